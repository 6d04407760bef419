import { createHash, randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Upload } from 'tus-js-client';
import { sourceKey } from '@kinora/contracts';
import type { Stores } from '../stores.ts';
import { idOf, patchHeaders, startUploads, until, type Person, type UploadsUnderTest } from '../uploads.ts';

/** What one replica does for one client. */
export function transferSuite(stores: Stores): void {
  describe(`transfers over ${stores.name}`, () => {
    let uploads: UploadsUnderTest;
    let ann: Person;
    beforeAll(async () => {
      uploads = await startUploads(stores);
      ann = await uploads.person();
    });
    afterAll(() => uploads.stop());
    const stored = (location: string): Promise<Buffer> => uploads.stored(location);
    const offsetOf = (location: string): Promise<number> => uploads.offsetOf(location, ann);
    const completedOf = (location: string): unknown[] => uploads.completed.filter(({ subject }) => subject === idOf(location));

    describe('tus-js-client', () => {
      it('sends a file in several chunks, and one upload.completed names the source', async () => {
        const bytes = randomBytes(5_000_001);
        const { videoId } = await uploads.createVideo(ann);
        const upload = await new Promise<Upload>((resolve, reject) => {
          const made: Upload = new Upload(bytes, {
            endpoint: `${uploads.url}/api/uploads`,
            headers: { ...ann.headers },
            metadata: { videoId, filename: '한강 film.mp4', filetype: 'video/mp4' },
            chunkSize: 2_000_000,
            onSuccess: () => resolve(made),
            onError: reject,
          });
          made.start();
        });
        const location = new URL(upload.url ?? '').pathname;
        expect((await stored(location)).equals(bytes)).toBe(true);
        await until('upload.completed arrives', () => completedOf(location).length === 1);
        const uploadId = idOf(location);
        expect(uploads.completed.find(({ subject }) => subject === uploadId)?.data).toEqual({
          ...{
            uploadId,
            videoId,
            ownerId: ann.identity.accountId,
            sourceKey: sourceKey(uploadId),
            filename: '한강 film.mp4',
            bytes: bytes.length,
          },
        });
      });
    });

    describe('PATCH /api/uploads/:uploadId', () => {
      it('keeps what has arrived when the client vanishes, and lets it go on at once', async () => {
        const bytes = randomBytes(3_000_000);
        const location = await uploads.start(ann, bytes.length);
        const { port } = new URL(uploads.url);
        const socket = connect(Number(port), '127.0.0.1');
        const head = Object.entries({ ...ann.headers, ...patchHeaders(0), host: 'localhost', 'content-length': String(bytes.length) });
        socket.write(`PATCH ${location} HTTP/1.1\r\n${head.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`);
        await new Promise((resolve) => socket.write(bytes.subarray(0, 1_234_567), resolve));
        await until('the upload is in use', async () => (await uploads.record(location)).lease !== undefined);
        const leftAt = performance.now();
        socket.destroy();
        const kept = await until('the lock is free', async () => {
          const offsetNow = await offsetOf(location);
          return offsetNow === 1_234_567 && offsetNow;
        });
        expect(performance.now() - leftAt).toBeLessThan(2_000);
        const done = await uploads.send('PATCH', location, ann, patchHeaders(kept), bytes.subarray(kept));
        expect(done.status).toBe(204);
        expect((await stored(location)).equals(bytes)).toBe(true);
      });

      it('answers 423 to a second body while the first one arrives', async () => {
        const location = await uploads.start(ann, 4);
        let more: ReadableStreamDefaultController<Uint8Array> | undefined;
        const slow = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) });
        const first = uploads.send('PATCH', location, ann, patchHeaders(0), slow);
        more?.enqueue(Buffer.from('ab'));
        await until(
          'the second is refused',
          async () => (await uploads.send('PATCH', location, ann, patchHeaders(0), 'xxxx')).slug === 'upload-locked',
        );
        more?.enqueue(Buffer.from('cd'));
        more?.close();
        expect((await first).status).toBe(204);
        expect((await stored(location)).toString()).toBe('abcd');
      });

      it.each(['sha1', 'sha256', 'md5'])(
        'takes a body with its %s and refuses one whose bytes differ, keeping nothing of it',
        async (algorithm) => {
          const location = await uploads.start(ann, 8);
          const checksum = (text: string): Record<string, string> => ({
            'upload-checksum': `${algorithm} ${createHash(algorithm).update(text).digest('base64')}`,
          });
          expect((await uploads.send('PATCH', location, ann, { ...patchHeaders(0), ...checksum('good') }, 'good')).status).toBe(204);
          const refused = await uploads.send('PATCH', location, ann, { ...patchHeaders(4), ...checksum('good') }, 'evil');
          expect([refused.status, refused.slug]).toEqual([460, 'checksum-mismatch']);
          expect(await offsetOf(location)).toBe(4);
          expect((await uploads.send('PATCH', location, ann, { ...patchHeaders(4), ...checksum('last') }, 'last')).status).toBe(204);
          expect((await stored(location)).toString()).toBe('goodlast');
        },
      );
    });
  });
}
