import { mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it, jest } from '@jest/globals';
import { newId } from '@kinora/contracts';
import { metadataOf, patchHeaders, startUploads, tusHeaders, until, type UploadsUnderTest } from './uploads.ts';

jest.setTimeout(60_000);

let uploads: UploadsUnderTest | undefined;
afterEach(async () => {
  await uploads?.stop();
  uploads = undefined;
});

const files = (dataDir: string): Promise<string[]> => readdir(path.join(dataDir, 'blobs', 'uploads')).catch(() => []);

describe('an upload', () => {
  it('of an empty file completes when it is created', async () => {
    uploads = await startUploads();
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
    uploads = await startUploads({ UPLOADS_EXPIRY_SECONDS: '60' }, () => new Date(nowMs));
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

  it('that has expired is removed with its bytes, as is a file that no record knows, when the service starts', async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-uploads-sweep-'));
    let nowMs = Date.now();
    const now = (): Date => new Date(nowMs);
    uploads = await startUploads({ UPLOADS_EXPIRY_SECONDS: '60' }, now, dataDir);
    const ann = await uploads.person();
    const location = await uploads.start(ann, 10);
    await uploads.send('PATCH', location, ann, patchHeaders(0), 'abc');
    const orphan = path.join(dataDir, 'blobs', 'uploads', newId());
    await writeFile(orphan, 'left behind');
    await utimes(orphan, nowMs / 1000 - 7200, nowMs / 1000 - 7200);
    await uploads.stop();
    nowMs += 61_000;
    uploads = await startUploads({}, now, dataDir);
    expect(await files(dataDir)).toEqual([]);
    await uploads.stop();
    uploads = undefined;
    await rm(dataDir, { recursive: true });
  });

  it('goes with its bytes when the video is removed, even while bytes arrive', async () => {
    uploads = await startUploads();
    const { dataDir, removeVideo } = uploads;
    const ann = await uploads.person();
    const { videoId } = await uploads.createVideo(ann);
    const metadata = metadataOf({ videoId, filename: 'film.mp4' });
    const made = await uploads.send('POST', '/api/uploads', ann, { ...tusHeaders, 'upload-length': '10', 'upload-metadata': metadata });
    const endless = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('abc')) });
    const cut = uploads.send('PATCH', made.headers.get('location') ?? '', ann, patchHeaders(0), endless).catch(() => undefined);
    expect(await files(dataDir)).toHaveLength(1);
    await removeVideo(ann, videoId);
    await until('the file is gone', async () => (await files(dataDir)).length === 0);
    expect((await cut)?.status ?? 408).toBe(408);
    expect((await uploads.send('HEAD', made.headers.get('location') ?? '', ann, tusHeaders)).status).toBe(404);
  });

  it('that stops arriving is cut after the idle timeout and keeps what has arrived', async () => {
    uploads = await startUploads({ UPLOADS_IDLE_TIMEOUT_SECONDS: '1' });
    const ann = await uploads.person();
    const location = await uploads.start(ann, 10);
    const silent = new ReadableStream({ start: (controller) => controller.enqueue(Buffer.from('abc')) });
    const cut = await uploads.send('PATCH', location, ann, patchHeaders(0), silent);
    expect([cut.status, cut.slug]).toEqual([408, 'request-timeout']);
    expect((await uploads.send('HEAD', location, ann, tusHeaders)).headers.get('upload-offset')).toBe('3');
  });
});
