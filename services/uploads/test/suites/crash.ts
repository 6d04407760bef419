import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Upload } from 'tus-js-client';
import { sourceKey } from '@kinora/contracts';
import { openReplicas, type Replicas } from '../replicas.ts';
import type { Stores } from '../stores.ts';
import { idOf, patchHeaders, sha256, tusHeaders, unending, until, type Person } from '../uploads.ts';

/** What a SIGKILL leaves. */
export function crashSuite(stores: Stores): void {
  describe(`crashes over ${stores.name}`, () => {
    let replicas: Replicas;
    let ann: Person;
    beforeEach(async () => {
      replicas = await openReplicas(stores);
      ann = await replicas.identities.create();
    });
    afterEach(() => replicas.close());

    describe('uploads killed with SIGKILL', () => {
      it('keep the bytes of a body cut in the middle, and tus-js-client goes on from there', async () => {
        const first = await replicas.start();
        const bytes = randomBytes(24_000_000);
        const location = await first.start(ann, bytes.length);
        const cut = first.send('PATCH', location, ann, patchHeaders(0), unending(bytes.subarray(0, 20_000_000))).catch(() => undefined);
        const kept = await until('bytes count', async () => {
          const offset = await replicas.counted(location);
          return offset > 1_000_000 && offset;
        });
        await first.kill();
        await cut;
        const second = await replicas.start();
        const resumedAt: number[] = [];
        await new Promise<void>((resolve, reject) => {
          new Upload(bytes, {
            uploadUrl: second.url + location,
            headers: { ...ann.headers },
            onProgress: (sent) => resumedAt.push(sent),
            onSuccess: () => resolve(),
            onError: reject,
          }).start();
        });
        expect(resumedAt[0]).toBeGreaterThanOrEqual(kept);
        expect(sha256(await replicas.stored(location))).toBe(sha256(bytes));
        await until('upload.completed arrives', () => replicas.completed.length === 1);
      });

      it('complete, once, what had all its bytes but no record of it', async () => {
        const first = await replicas.start();
        const location = await first.start(ann, 5);
        await first.kill();
        await replicas.appendBehind(location, 'bytes');
        const second = await replicas.start();
        await until('upload.completed arrives', () => replicas.completed.length === 1);
        await second.kill();
        const third = await replicas.start();
        expect(await third.offsetOf(location, ann)).toBe(5);
        await third.start(ann, 0);
        await until('the next upload.completed arrives', () => replicas.completed.length > 1);
        expect(replicas.completed).toHaveLength(2);
      });

      it('count no byte of a body whose checksum had not been verified', async () => {
        const first = await replicas.start();
        const location = await first.start(ann, 8);
        expect((await first.send('PATCH', location, ann, patchHeaders(0), 'good')).status).toBe(204);
        const big = await first.start(ann, 20_000_000);
        const { growth } = await replicas.record(big);
        const checksum = { 'upload-checksum': `sha1 ${Buffer.alloc(20).toString('base64')}` };
        const half = unending(Buffer.alloc(18_000_000));
        const cut = first.send('PATCH', big, ann, { ...patchHeaders(0), ...checksum }, half).catch(() => undefined);
        await until('unverified bytes are under way', async () => (await replicas.record(big)).growth !== growth);
        const { blobs } = replicas;
        if (blobs.directory !== undefined)
          await until('and on the disk', async () => ((await blobs.stat(sourceKey(idOf(big))))?.bytes ?? 0) > 0);
        await first.kill();
        await cut;
        const second = await replicas.start();
        expect(await second.offsetOf(big, ann)).toBe(0);
        expect(await second.offsetOf(location, ann)).toBe(4);
      });

      it('start twice on one store without telling of an upload twice', async () => {
        const first = await replicas.start();
        const locations: string[] = [];
        for (let i = 0; i < 3; i++) locations.push(await first.start(ann, 5));
        await first.kill();
        for (const location of locations) await replicas.appendBehind(location, 'bytes');
        const [second] = await Promise.all([replicas.start(), replicas.start()]);
        await until('every upload.completed arrives', () => replicas.completed.length >= 3);
        await second.start(ann, 0);
        await until('the next upload.completed arrives', () => replicas.completed.length > 3);
        expect(replicas.completed).toHaveLength(4);
      });

      it('start though the bytes of one are gone, which is over then', async () => {
        const first = await replicas.start();
        const bytes = 'x'.repeat(9_000_000);
        const location = await first.start(ann, bytes.length);
        await first.kill();
        await replicas.appendBehind(location, bytes);
        await replicas.blobs.growing.remove(sourceKey(idOf(location)));
        const second = await replicas.start();
        const other = await second.start(ann, 0);
        await until('another one completes', () => replicas.completed.some(({ subject }) => subject === idOf(other)));
        const head = await second.send('HEAD', location, ann, tusHeaders);
        expect(head.status).toBe(410);
      });
    });
  });
}
