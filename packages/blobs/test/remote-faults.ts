/** What every store behind a network promises when that fails. Long because it is one suite: an adapter runs all of it or none. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomBytes } from 'node:crypto';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BlobChangedError, BlobExistsError, BlobStoreError, type Blobs } from '../src/index.ts';
import { all } from './conformance.ts';
import { openFaultyProxy, type FaultyProxy } from '../src/testing.ts';

export interface RemoteStore {
  /** `host:port` of the real server. */
  readonly host: string;
  /** Opens the same empty store through `host`. */
  open(host: string): Blobs;
  /** False for a server that closes each connection with its answer. */
  readonly keepsConnections: boolean;
  /** Uploads that were begun and neither completed nor aborted; undefined where the store clears them itself. */
  leftovers?(): Promise<number>;
}

const bytesOf = async (source: AsyncIterable<unknown>): Promise<Buffer> => Buffer.concat((await all(source)) as Buffer[]);
const megabyte = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

/** Bytes in buffers that something still holds: those that are only not collected yet depend on the machine. */
function liveBytes(): number {
  collectGarbage();
  return process.memoryUsage().arrayBuffers;
}

async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`still not true: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

async function* parts(bytes: Uint8Array, partBytes = 100_000): AsyncGenerator<Uint8Array> {
  for (let start = 0; start < bytes.length; start += partBytes) {
    await Promise.resolve();
    yield bytes.subarray(start, start + partBytes);
  }
}

/** What only a store behind a network shows. */
export function remoteFaults(name: string, store: RemoteStore): void {
  describe(`${name} behind a faulty network`, () => {
    let proxy: FaultyProxy;
    let blobs: Blobs;
    let direct: Blobs;
    beforeAll(async () => {
      proxy = await openFaultyProxy(store.host);
      blobs = store.open(proxy.host);
      direct = store.open(store.host);
      await direct.ready();
    });
    const empty = async (): Promise<void> => {
      for await (const { key } of direct.list('')) await direct.delete(key);
    };
    beforeEach(async () => {
      proxy.state = 'up';
      await empty();
    });
    afterAll(async () => {
      await empty();
      await Promise.all([blobs.close(), direct.close()]);
      await proxy.close();
    });
    const context = (): Context => ({ blobs, direct, proxy, store });
    describeBrokenReads(context);
    describeBrokenWrites(context);
    describeBounds(context);
  });
}

interface Context {
  readonly blobs: Blobs;
  readonly direct: Blobs;
  readonly proxy: FaultyProxy;
  readonly store: RemoteStore;
}

function describeBrokenReads(get: () => Context): void {
  describe('reading', () => {
    const bytes = randomBytes(6 * megabyte);

    it('goes on behind the break of a connection, several times in one stream', async () => {
      const { blobs, direct, proxy } = get();
      await direct.put('k', bytes);
      proxy.arm({ direction: 'down', afterBytes: 300_000, kind: 'cut', times: 4 });
      const read = await bytesOf(await blobs.stream('k', { start: 100, end: bytes.length }));
      expect(read.equals(bytes.subarray(100))).toBe(true);
      expect(proxy.isArmed).toBe(false);
    });

    it('goes on in an open reader, too', async () => {
      const { blobs, direct, proxy } = get();
      await direct.put('k', bytes);
      const reader = await blobs.open('k');
      proxy.arm({ direction: 'down', afterBytes: 2 * megabyte, kind: 'cut' });
      const target = Buffer.alloc(bytes.length);
      expect(await reader?.read(target, 0)).toBe(bytes.length);
      expect(proxy.isArmed).toBe(false);
      expect(target.equals(bytes)).toBe(true);
      await reader?.close();
    });

    it('fails rather than going on in a blob that was replaced', async () => {
      const { blobs, direct, proxy } = get();
      // More than sockets on the way take in before anybody reads.
      const large = randomBytes(32 * megabyte);
      await direct.put('k', large);
      const stream = await blobs.stream('k');
      await direct.put('k', large.subarray(1));
      proxy.arm({ direction: 'down', afterBytes: 500_000, kind: 'cut' });
      await expect(bytesOf(stream)).rejects.toThrow(BlobChangedError);
      const deleted = await blobs.stream('k');
      await direct.delete('k');
      proxy.arm({ direction: 'down', afterBytes: 500_000, kind: 'cut' });
      await expect(bytesOf(deleted)).rejects.toThrow(BlobChangedError);
    });

    it('says that the store is out of reach when it stays so', async () => {
      const { blobs, direct, proxy } = get();
      await direct.put('k', bytes);
      const stream = await blobs.stream('k');
      proxy.state = 'down';
      await expect(bytesOf(stream)).rejects.toThrow(BlobStoreError);
      await expect(blobs.stat('k')).rejects.toThrow(/store does not answer/);
    });

    it('asks again when a store goes silent in the middle', async () => {
      const { blobs, direct, proxy } = get();
      await direct.put('k', bytes);
      proxy.arm({ direction: 'down', afterBytes: 500_000, kind: 'silence' });
      expect((await bytesOf(await blobs.stream('k'))).equals(bytes)).toBe(true);
      expect(proxy.isArmed).toBe(false);
    });

    it('takes the connection of one blob for the next', async () => {
      const { blobs, direct, proxy, store } = get();
      await direct.put('k', bytes);
      await direct.put('empty', new Uint8Array());
      const before = proxy.accepted;
      const target = Buffer.alloc(bytes.length);
      for (let n = 0; n < 10; n++) {
        expect((await blobs.read('k')).length).toBe(bytes.length);
        expect((await bytesOf(await blobs.stream('k', { start: 5, end: 1_000_000 }))).length).toBe(999_995);
        expect((await blobs.read('empty')).length).toBe(0);
        const reader = await blobs.open('k');
        for (let start = 0; start < bytes.length; start += megabyte) await reader?.read(target.subarray(0, megabyte), start);
        await reader?.close();
      }
      if (store.keepsConnections) expect(proxy.accepted - before).toBeLessThan(4);
      else expect(proxy.accepted - before).toBe(40);
    });

    it('frees the connection of a stream that is destroyed, read or not', async () => {
      const { blobs, direct, proxy } = get();
      await direct.put('k', bytes);
      for (let n = 0; n < 75; n++) {
        const stream = await blobs.stream('k');
        if (n % 2 === 0) await new Promise((resolve) => stream.once('data', resolve));
        stream.destroy();
        const reader = await blobs.open('k');
        if (n % 3 === 0) await reader?.read(Buffer.alloc(10), 3 * megabyte);
        await reader?.close();
      }
      await until('only idle connections are open', () => proxy.connections <= 16);
      expect(await blobs.stat('k')).toBeDefined();
    });
  });
}

function describeBrokenWrites(get: () => Context): void {
  describe('storing', () => {
    const leftovers = async ({ store }: Context): Promise<number> => (await store.leftovers?.()) ?? 0;

    it('sends a part again when its connection breaks', async () => {
      const { blobs, direct, proxy } = get();
      const bytes = randomBytes(30 * megabyte);
      proxy.arm({ direction: 'up', afterBytes: 4 * megabyte, kind: 'cut' });
      const info = await blobs.put('k', parts(bytes));
      expect(proxy.isArmed).toBe(false);
      expect(await direct.stat('k')).toMatchObject(info);
      expect((await direct.read('k')).equals(bytes)).toBe(true);
    });

    it('leaves nothing when the store goes away in the middle, and says so', async () => {
      const context = get();
      const { blobs, proxy } = context;
      const body = (async function* () {
        yield* parts(randomBytes(20 * megabyte));
        proxy.state = 'down';
        yield* parts(randomBytes(20 * megabyte));
      })();
      await expect(blobs.put('k', body)).rejects.toThrow(BlobStoreError);
      expect(await all(context.direct.list(''))).toEqual([]);
    });

    it.each(['fails', 'is aborted'])('leaves nothing when a large body %s', async (how) => {
      const context = get();
      const before = await leftovers(context);
      const abort = new AbortController();
      const body = (async function* () {
        yield* parts(randomBytes(20 * megabyte));
        if (how === 'fails') throw new Error('gone');
        abort.abort(new Error('gone'));
        await new Promise(() => undefined);
      })();
      await expect(context.blobs.put('k', body, { signal: abort.signal })).rejects.toThrow('gone');
      expect(await all(context.direct.list(''))).toEqual([]);
      expect(await leftovers(context)).toBe(before);
    });

    it('knows its own work again when the answer was lost', async () => {
      const { blobs, direct, proxy } = get();
      proxy.arm({ direction: 'down', afterBytes: 0, kind: 'cut' });
      const info = await blobs.put('k', Buffer.from('mine'), { ifAbsent: true });
      expect(proxy.isArmed).toBe(false);
      expect(await direct.stat('k')).toMatchObject(info);
      await expect(blobs.put('k', Buffer.from('else'), { ifAbsent: true })).rejects.toThrow(BlobExistsError);
    });

    it('refuses a taken key for a large body, too', async () => {
      const context = get();
      const before = await leftovers(context);
      await context.blobs.put('k', parts(randomBytes(9 * megabyte)), { ifAbsent: true });
      await expect(context.blobs.put('k', parts(randomBytes(9 * megabyte)), { ifAbsent: true })).rejects.toThrow(BlobExistsError);
      expect(await leftovers(context)).toBe(before);
    });
  });
}

function describeBounds(get: () => Context): void {
  describe('bounds', () => {
    it('answers a question of health within seconds though the store is silent', async () => {
      const { blobs, proxy } = get();
      await blobs.ping();
      proxy.arm({ direction: 'down', afterBytes: 0, kind: 'silence' });
      const startedAtMs = Date.now();
      await expect(blobs.ping()).rejects.toThrow(BlobStoreError);
      expect(Date.now() - startedAtMs).toBeLessThan(12_000); // other questions have fifteen
    });

    it('takes little memory for a body of any length, stored and read', async () => {
      const { direct } = get();
      const part = randomBytes(megabyte);
      const before = liveBytes();
      let most = 0;
      let passed = 0;
      /** Looks every 8 MiB, for it takes a while. */
      const note = (bytes: number): void => {
        const isDue = passed % (8 * megabyte) < bytes;
        passed += bytes;
        if (isDue) most = Math.max(most, liveBytes());
      };
      const length = 128;
      await direct.put(
        'k',
        (async function* () {
          for (let n = 0; n < length; n++) {
            await Promise.resolve();
            note(part.length);
            yield part;
          }
        })(),
      );
      let read = 0;
      for await (const bytes of await direct.stream('k')) {
        note((bytes as Buffer).length);
        read += (bytes as Buffer).length;
      }
      expect(read).toBe(length * megabyte);
      expect((most - before) / megabyte).toBeLessThan(64);
    });

    it('deletes thousands of blobs below a prefix, and lists them in pages', async () => {
      const { direct } = get();
      const keys = Array.from({ length: 1_203 }, (_, n) => `p/${String(n).padStart(5, '0')}`);
      const left = [...keys];
      const work = async (): Promise<void> => {
        for (let key = left.pop(); key !== undefined; key = left.pop()) await direct.put(key, Buffer.from(key));
      };
      await Promise.all(Array.from({ length: 20 }, work));
      expect((await all(direct.list('p/'))).map(({ key }) => key)).toEqual(keys);
      expect((await all(direct.list('p/', { after: 'p/01190' }))).map(({ key }) => key)).toEqual(keys.slice(1_191));
      expect(await direct.deletePrefix('p/')).toBe(keys.length);
      expect(await all(direct.list(''))).toEqual([]);
    });

    it('gives an address that reads any range of this blob and does nothing else', async () => {
      const { direct } = get();
      await direct.put('a/b.mp4', Buffer.from('0123456789'));
      const url = await direct.locate('a/b.mp4');
      const answer = await fetch(url, { headers: { range: 'bytes=2-4' } });
      expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([206, '234', 'video/mp4']);
      expect((await fetch(url, { method: 'PUT', body: 'x', headers: { 'x-ms-blob-type': 'BlockBlob' } })).status).toBe(403);
      expect((await fetch(url, { method: 'DELETE' })).status).toBe(403);
      expect((await fetch(url.replace('b.mp4', 'c.mp4'))).status).toBe(403);
      expect((await direct.read('a/b.mp4')).toString()).toBe('0123456789');
    });
  });
}
