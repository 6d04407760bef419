import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openReplicas, type Replica, type Replicas } from '../replicas.ts';
import type { Stores } from '../stores.ts';
import { idOf, metadataOf, patchHeaders, sha256, tusHeaders, unending, until, type Answer, type Person } from '../uploads.ts';

/** How long an upload may stay out of reach when its holder is dead or paused, ms: seconds, says the README, and a busy machine adds its own. */
const takeoverMs = 15_000;

/** What several replicas over the same stores do for one upload. */
export function replicasSuite(stores: Stores): void {
  describe(`replicas over ${stores.name}`, () => {
    let replicas: Replicas;
    let ann: Person;
    beforeEach(async () => {
      replicas = await openReplicas(stores);
      ann = await replicas.identities.create();
    });
    afterEach(() => replicas.close());

    const startBoth = async (env: Record<string, string> = {}): Promise<readonly [Replica, Replica]> =>
      Promise.all([replicas.start({ env }), replicas.start()]);
    const countedPast = (location: string, bytes: number): Promise<number> =>
      until('bytes count', async () => {
        const offset = await replicas.counted(location);
        return offset > bytes && offset;
      });
    const patch = (at: Replica, location: string, offset: number, body: BodyInit): Promise<Answer | undefined> =>
      at.send('PATCH', location, ann, patchHeaders(offset), body).catch(() => undefined);

    describe('an upload begun at one replica', () => {
      it('goes on at another when the first is killed in the middle of a body', async () => {
        const [one, other] = await startBoth();
        const bytes = randomBytes(24_000_000);
        const location = await one.start(ann, bytes.length);
        const cut = patch(one, location, 0, unending(bytes.subarray(0, 20_000_000)));
        const counted = await countedPast(location, 1_000_000);
        await one.kill();
        expect(await cut).toBeUndefined();
        const killedAtMs = performance.now();
        const offset = await other.offsetOf(location, ann);
        expect(performance.now() - killedAtMs).toBeLessThan(takeoverMs);
        expect(offset).toBeGreaterThanOrEqual(counted);
        expect((await patch(other, location, offset, bytes.subarray(offset)))?.status).toBe(204);
        expect(sha256(await replicas.stored(location))).toBe(sha256(bytes));
        await until('upload.completed arrives', () => replicas.completed.length === 1);
      });

      it('goes on at another when the first is paused, which harms nothing when it wakes up', async () => {
        const [one, other] = await startBoth();
        const bytes = randomBytes(40_000_000);
        const location = await one.start(ann, bytes.length);
        let more: ReadableStreamDefaultController<Uint8Array> | undefined;
        const body = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) });
        const late = patch(one, location, 0, body);
        more?.enqueue(bytes.subarray(0, 20_000_000));
        const counted = await countedPast(location, 1_000_000);
        one.pause();
        const pausedAtMs = performance.now();
        const offset = await other.offsetOf(location, ann);
        expect(performance.now() - pausedAtMs).toBeLessThan(takeoverMs);
        expect(offset).toBeGreaterThanOrEqual(counted);
        expect((await patch(other, location, offset, bytes.subarray(offset, 30_000_000)))?.status).toBe(204);
        // Other bytes than the file has, so that a single one of them would show; they wait for the first when it wakes up.
        more?.enqueue(randomBytes(20_000_000));
        more?.close();
        one.resume();
        expect([408, 423]).toContain((await late)?.status ?? 423); // 408: it takes its own silence for the client's
        expect(await one.offsetOf(location, ann)).toBe(30_000_000);
        expect((await patch(one, location, 30_000_000, bytes.subarray(30_000_000)))?.status).toBe(204);
        expect(sha256(await replicas.stored(location))).toBe(sha256(bytes));
        await until('upload.completed arrives', () => replicas.completed.length === 1);
        expect(await replicas.keys()).toEqual([`uploads/${idOf(location)}`]);
      });

      it('goes on at another, within seconds, when nothing is known of the first but its silence', async () => {
        const one = await replicas.start();
        const location = await one.start(ann, 4);
        const elsewhere = { machine: 'another one', pid: 1, startedAt: '' };
        const lease = { token: 'a token', beats: 7, service: 'another one', process: elsewhere };
        await replicas.uploads.updateOne({ _id: idOf(location) }, { $set: { lease } });
        const askedAtMs = performance.now();
        expect(await one.offsetOf(location, ann)).toBe(0);
        const waitedMs = performance.now() - askedAtMs;
        expect(waitedMs).toBeGreaterThan(2_500);
        expect(waitedMs).toBeLessThan(takeoverMs);
        expect((await patch(one, location, 0, 'film'))?.status).toBe(204);
        expect((await replicas.stored(location)).toString()).toBe('film');
      });

      it('is refused with 423 by another while bytes arrive at the first', async () => {
        const [one, other] = await startBoth();
        const location = await one.start(ann, 1_000_000);
        let more: ReadableStreamDefaultController<Uint8Array> | undefined;
        const body = new ReadableStream<Uint8Array>({ start: (controller) => void (more = controller) });
        const sent = patch(one, location, 0, body);
        let left = 1_000_000;
        const feed = setInterval(() => more?.enqueue(Buffer.alloc(Math.min(100, (left -= 100) + 100), 'x')), 50);
        await until('the first holds the upload', async () => (await replicas.record(location)).lease !== undefined);
        const refused = await other.send('PATCH', location, ann, patchHeaders(0), 'y');
        const asked = await other.send('HEAD', location, ann, tusHeaders);
        clearInterval(feed);
        expect([refused.slug, asked.status]).toEqual(['upload-locked', 423]);
        more?.enqueue(Buffer.alloc(left, 'x'));
        more?.close();
        expect((await sent)?.status).toBe(204);
        expect((await replicas.stored(location)).equals(Buffer.alloc(1_000_000, 'x'))).toBe(true);
      });

      it('is ended there for another when its client has fallen silent, and keeps every byte that had arrived', async () => {
        const [one, other] = await startBoth();
        const bytes = randomBytes(3_000_000);
        const location = await one.start(ann, bytes.length);
        const silent = patch(one, location, 0, unending(bytes.subarray(0, 1_234_567)));
        await until('the first holds the upload', async () => (await replicas.record(location)).lease !== undefined);
        const offset = await until('the other may go on', () => other.offsetOf(location, ann).catch(() => false as const));
        expect(offset).toBe(1_234_567);
        expect((await silent)?.status).toBe(408);
        expect((await patch(other, location, offset, bytes.subarray(offset)))?.status).toBe(204);
        expect(sha256(await replicas.stored(location))).toBe(sha256(bytes));
      });

      it('is ended there when another hears that the video is removed', async () => {
        // With a bus of its own the first hears of nothing.
        const [one, other] = await startBoth({ BUS_URL: `sqlite:${replicas.dataDir}/another-bus.sqlite` });
        const { videoId } = await other.createVideo(ann);
        const metadata = metadataOf({ videoId, filename: 'film.mp4' });
        const made = await one.send('POST', '/api/uploads', ann, { ...tusHeaders, 'upload-length': '10', 'upload-metadata': metadata });
        const location = made.headers.get('location') ?? '';
        const receiving = patch(one, location, 0, unending(Buffer.from('abc')));
        await until('the first holds the upload', async () => (await replicas.record(location)).lease !== undefined);
        await other.removeVideo(ann, videoId);
        expect((await receiving)?.status ?? 408).toBe(408);
        await until('the upload is gone', async () => (await one.send('HEAD', location, ann, tusHeaders)).status === 404);
        await until('its bytes are gone', async () => (await replicas.keys()).length === 0);
      });

      it('takes one of two bodies that reach two replicas at once', async () => {
        const both = await startBoth();
        const location = await both[0].start(ann, 6);
        let expected = '';
        for (let offset = 0; offset < 6; offset++) {
          const answers = await Promise.all(both.map((replica, at) => patch(replica, location, offset, String(at))));
          const taken = answers.findIndex((answer) => answer?.status === 204);
          expect(answers.filter((answer) => answer?.status === 204)).toHaveLength(1);
          expect(['upload-locked', 'upload-offset-conflict']).toContain(answers[1 - taken]?.slug);
          expected += String(taken);
        }
        expect((await replicas.stored(location)).toString()).toBe(expected);
        await until('upload.completed arrives', () => replicas.completed.length === 1);
      });
    });
  });
}
