import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { newId, sourceKey } from '@kinora/contracts';
import type { Stores } from '../stores.ts';
import { metadataOf, patchHeaders, startUploads, tusHeaders, until, type UploadsUnderTest } from '../uploads.ts';

/** When uploads begin and end. */
export function lifetimeSuite(stores: Stores): void {
  describe(`lifetimes over ${stores.name}`, () => {
    let uploads: UploadsUnderTest | undefined;
    afterEach(async () => {
      await uploads?.stop();
      uploads = undefined;
    });

    describe('an upload', () => {
      it('of an empty file completes when it is created', async () => {
        uploads = await startUploads(stores);
        const { completed } = uploads;
        const ann = await uploads.person();
        const location = await uploads.start(ann, 0);
        await until('upload.completed arrives', () => completed.length === 1);
        expect(completed[0]?.data).toMatchObject({ uploadId: location.split('/').at(-1), bytes: 0 });
        const head = await uploads.send('HEAD', location, ann, tusHeaders);
        expect([head.headers.get('upload-offset'), head.headers.get('upload-length')]).toEqual(['0', '0']);
      });

      it('says when it expires, answers 410 afterwards', async () => {
        let nowMs = Date.now();
        uploads = await startUploads(stores, { env: { UPLOADS_EXPIRY_SECONDS: '60' }, now: () => new Date(nowMs) });
        const ann = await uploads.person();
        const { videoId } = await uploads.createVideo(ann);
        const metadata = metadataOf({ videoId, filename: 'film.mp4' });
        const made = await uploads.send('POST', '/api/uploads', ann, { ...tusHeaders, 'upload-length': '10', 'upload-metadata': metadata });
        const location = made.headers.get('location') ?? '';
        expect(Math.abs(Date.parse(made.headers.get('upload-expires') ?? '') - nowMs - 60_000)).toBeLessThan(2_000);
        expect(location).toMatch(/^\/api\/uploads\/[a-z2-7]{20}$/);
        const head = await uploads.send('HEAD', location, ann, tusHeaders);
        expect(head.headers.get('upload-metadata')).toBe(metadata);
        nowMs += 61_000;
        const late = await uploads.send('PATCH', location, ann, patchHeaders(0), 'abc');
        expect([late.status, late.slug]).toEqual([410, 'upload-gone']);
      });

      it('that has expired is removed with its bytes, as is after an hour what no record knows, when the service starts', async () => {
        const folder = await mkdtemp(path.join(tmpdir(), 'kinora-uploads-sweep-'));
        let nowMs = Date.now();
        const start = (): Promise<UploadsUnderTest> =>
          startUploads(stores, { env: { UPLOADS_EXPIRY_SECONDS: '60' }, now: () => new Date(nowMs), folder });
        uploads = await start();
        const ann = await uploads.person();
        const location = await uploads.start(ann, 10);
        await uploads.send('PATCH', location, ann, patchHeaders(0), 'abc');
        const [orphan, begun] = [sourceKey(newId()), sourceKey(newId())];
        await uploads.blobs.put(orphan, Buffer.from('left behind'));
        const state = await uploads.blobs.growing.create(begun, 10);
        const record = (): Promise<void> => Promise.resolve();
        const appending = await uploads.blobs.growing.append({ key: begun, lengthBytes: 10, state }, { isWhole: false, record });
        await appending.write([Buffer.from('left')]);
        await appending.keep();
        await uploads.stop();
        nowMs += 61_000;
        uploads = await start();
        expect([...(await uploads.keys())].sort()).toEqual([orphan, begun].sort());
        await uploads.stop();
        nowMs += 7_200_000;
        uploads = await start();
        expect(await uploads.keys()).toEqual([]);
        await uploads.stop();
        uploads = undefined;
        await stores.dispose(stores.env(folder));
        await rm(folder, { recursive: true });
      });

      it('goes with its bytes when the video is removed, even while bytes arrive', async () => {
        uploads = await startUploads(stores);
        const { keys, send, record } = uploads;
        const ann = await uploads.person();
        const { videoId } = await uploads.createVideo(ann);
        const metadata = metadataOf({ videoId, filename: 'film.mp4' });
        const made = await uploads.send('POST', '/api/uploads', ann, { ...tusHeaders, 'upload-length': '10', 'upload-metadata': metadata });
        const endless = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('abc')) });
        const cut = uploads.send('PATCH', made.headers.get('location') ?? '', ann, patchHeaders(0), endless).catch(() => undefined);
        const location = made.headers.get('location') ?? '';
        await until('the upload is in use', async () => (await record(location)).lease !== undefined);
        await uploads.removeVideo(ann, videoId);
        await until('the upload is gone', async () => (await send('HEAD', location, ann, tusHeaders)).status === 404);
        await until('its bytes are gone', async () => (await keys()).length === 0);
        expect((await cut)?.status ?? 408).toBe(408);
      });

      it('that stops arriving is cut after the idle timeout and keeps what has arrived', async () => {
        uploads = await startUploads(stores, { env: { UPLOADS_IDLE_TIMEOUT_SECONDS: '1' } });
        const ann = await uploads.person();
        const location = await uploads.start(ann, 10);
        const silent = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('abc')) });
        const cut = await uploads.send('PATCH', location, ann, patchHeaders(0), silent);
        expect([cut.status, cut.slug]).toEqual([408, 'request-timeout']);
        expect((await uploads.send('HEAD', location, ann, tusHeaders)).headers.get('upload-offset')).toBe('3');
      });
    });
  });
}
