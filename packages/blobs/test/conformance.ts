/** What every adapter of the blobs port promises. Long because it is one suite over one subject: an adapter runs all of it or none. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { createHash, randomBytes } from 'node:crypto';
import { setImmediate as turn } from 'node:timers/promises';
import fc from 'fast-check';
import { BlobChangedError, BlobExistsError, BlobNotFoundError, InvalidBlobKeyError } from '../src/index.ts';
import type { BlobInfo, Blobs } from '../src/index.ts';

const text = (value: string): Uint8Array => Buffer.from(value);

async function* inParts(...parts: readonly Uint8Array[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    await turn();
    yield part;
  }
}

/** Everything that `source` gives. */
export async function all<T>(source: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of source) items.push(item);
  return items;
}

const bytesOf = async (source: AsyncIterable<unknown>): Promise<Buffer> => Buffer.concat((await all(source)) as Buffer[]);

/** True when `reading` gives `bytes`, or says that they are gone: a store need not keep what was replaced. */
async function staysOn(bytes: Uint8Array, reading: () => Promise<Buffer>): Promise<boolean> {
  try {
    return (await reading()).equals(bytes);
  } catch (error) {
    if (error instanceof BlobChangedError) return true;
    throw error;
  }
}
const keys = async (source: AsyncIterable<BlobInfo>): Promise<string[]> => (await all(source)).map(({ key }) => key);

/** Holds an adapter to port.ts. `open` gives a store without blobs; the suite closes it. */
export function blobsConformance(name: string, open: () => Promise<Blobs>): void {
  describe(`${name} as a Blobs port`, () => {
    let blobs: Blobs;
    beforeAll(async () => {
      blobs = await open();
      await blobs.ready();
    });
    const empty = async (): Promise<void> => {
      for await (const { key } of blobs.list('')) await blobs.delete(key);
    };
    beforeEach(empty);
    afterAll(async () => {
      await empty();
      await blobs.close();
    });

    describePut(() => blobs);
    describeReads(() => blobs);
    describeLists(() => blobs);
    describeKeys(() => blobs);
  });
}

function describePut(get: () => Blobs): void {
  describe('put', () => {
    it('stores a streamed body and gives the same facts as stat', async () => {
      const info = await get().put('uploads/a', inParts(text('one '), text(''), text('two')));
      expect(info).toMatchObject({ key: 'uploads/a', bytes: 7 });
      const known = await get().stat('uploads/a');
      expect(known).toEqual({ ...info, modifiedAt: known?.modifiedAt });
      expect(Math.abs(Date.parse(known?.modifiedAt ?? '') - Date.now())).toBeLessThan(60_000);
      expect((await get().read('uploads/a')).toString()).toBe('one two');
    });

    it('stores an empty blob', async () => {
      expect(await get().put('empty', new Uint8Array())).toMatchObject({ bytes: 0 });
      expect(await get().read('empty')).toHaveLength(0);
      expect(await bytesOf(await get().stream('empty'))).toHaveLength(0);
    });

    it('stores many megabytes unchanged', async () => {
      const parts = Array.from({ length: 24 }, () => randomBytes(500_001));
      await get().put('large', inParts(...parts));
      const hash = createHash('sha256');
      for await (const bytes of await get().stream('large')) hash.update(bytes as Buffer);
      expect(hash.digest('hex')).toBe(createHash('sha256').update(Buffer.concat(parts)).digest('hex'));
    });

    it('replaces a blob under another ETag whenever the bytes differ, though they be as many', async () => {
      const etags = new Set<string>();
      for (let n = 10; n < 40; n++) etags.add((await get().put('same', text(String(n)))).etag);
      expect(etags.size).toBe(30);
    });

    it('keeps the old blob visible until the new one is whole', async () => {
      await get().put('a', text('old'));
      const gate = Promise.withResolvers<void>();
      const put = get().put(
        'a',
        (async function* () {
          yield text('new');
          await gate.promise;
          yield text('er');
        })(),
      );
      for (let n = 0; n < 20; n++) expect((await get().read('a')).toString()).toBe('old');
      gate.resolve();
      await put;
      expect((await get().read('a')).toString()).toBe('newer');
    });

    it('leaves nothing when the body fails', async () => {
      const failing = (async function* () {
        yield text('half');
        await turn();
        throw new Error('source broke');
      })();
      await expect(get().put('a/b', failing)).rejects.toThrow('source broke');
      expect(await get().stat('a/b')).toBeUndefined();
      expect(await keys(get().list(''))).toEqual([]);
    });

    it('ends with the reason when it is aborted while the body is silent', async () => {
      const abort = new AbortController();
      const silent = (async function* () {
        yield text('half');
        await new Promise(() => undefined);
      })();
      const put = get().put('a', silent, { signal: abort.signal });
      await turn();
      abort.abort(new Error('gone'));
      await expect(put).rejects.toThrow('gone');
      expect(await get().stat('a')).toBeUndefined();
      await expect(get().put('a', text('x'), { signal: abort.signal })).rejects.toThrow('gone');
      expect(await get().stat('a')).toBeUndefined();
    });

    it('refuses a taken key with ifAbsent and keeps its bytes', async () => {
      await get().put('a', text('first'), { ifAbsent: true });
      await expect(get().put('a', text('second'), { ifAbsent: true })).rejects.toThrow(BlobExistsError);
      expect((await get().read('a')).toString()).toBe('first');
    });

    it('lets exactly one of many writers win with ifAbsent', async () => {
      const results = await Promise.allSettled(Array.from({ length: 12 }, (_, n) => get().put('x/y', text(String(n)), { ifAbsent: true })));
      const winner = results.findIndex(({ status }) => status === 'fulfilled');
      expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      expect((await get().read('x/y')).toString()).toBe(String(winner));
    });

    it('is whole for every reader while writers replace it', async () => {
      const body = (n: number): Buffer => Buffer.alloc(100_000, n);
      await get().put('a/b', body(0));
      let done = false;
      const readers = Array.from({ length: 3 }, async () => {
        while (!done) {
          const bytes = await get().read('a/b');
          if (!bytes.equals(body(bytes[0] ?? -1))) throw new Error('a mixture was read');
        }
      });
      await Promise.all(
        [1, 2, 3].map(async (writer) => {
          for (let n = 0; n < 15; n++) await get().put('a/b', body(writer));
        }),
      );
      done = true;
      await Promise.all(readers);
    });
  });
}

function describeReads(get: () => Blobs): void {
  describe('reads', () => {
    it('say that a blob is absent, each in its way', async () => {
      expect(await get().stat('no/blob')).toBeUndefined();
      expect(await get().open('no/blob')).toBeUndefined();
      await expect(get().stream('no/blob')).rejects.toThrow(BlobNotFoundError);
      await expect(get().read('no/blob')).rejects.toThrow(BlobNotFoundError);
      await expect(get().locate('no/blob')).rejects.toThrow(BlobNotFoundError);
      await get().delete('no/blob');
    });

    it('do not take a folder of blobs for a blob', async () => {
      await get().put('a/b/c', text('x'));
      expect(await get().stat('a/b')).toBeUndefined();
      expect(await get().open('a')).toBeUndefined();
      await get().delete('a/b');
      expect(await keys(get().list(''))).toEqual(['a/b/c']);
    });

    it('give half-open ranges, cut at the end of the blob', async () => {
      const bytes = randomBytes(600_000);
      await get().put('r', bytes);
      const position = fc.oneof(fc.nat({ max: 600_010 }), fc.constantFrom(0, 1, 262_144, 599_999, 600_000));
      await fc.assert(
        fc.asyncProperty(position, position, async (a, b) => {
          const range = { start: Math.min(a, b), end: Math.max(a, b) };
          expect((await bytesOf(await get().stream('r', range))).equals(bytes.subarray(range.start, range.end))).toBe(true);
        }),
        { numRuns: 40 },
      );
      await expect(get().stream('r', { start: 5, end: 4 })).rejects.toThrow(RangeError);
    });

    it('fill a buffer from any position through an open reader', async () => {
      const bytes = randomBytes(10_000);
      await get().put('r', bytes);
      const reader = await get().open('r');
      expect(reader?.info).toEqual(await get().stat('r'));
      const target = Buffer.alloc(4_000);
      expect(await reader?.read(target, 1)).toBe(4_000);
      expect(target.equals(bytes.subarray(1, 4_001))).toBe(true);
      expect(await reader?.read(target, 9_000)).toBe(1_000);
      expect(target.subarray(0, 1_000).equals(bytes.subarray(9_000))).toBe(true);
      expect(await reader?.read(target, 10_000)).toBe(0);
      await reader?.close();
    });

    it('stay on the bytes they began with when the key is replaced or deleted', async () => {
      await get().put('k', text('old'));
      const [first, second] = [await get().open('k'), await get().open('k')];
      await get().put('k', text('newer'));
      const target = Buffer.alloc(8);
      expect(target.toString('latin1', 0, await first?.read(target, 0))).toBe('old');
      await get().delete('k');
      expect(target.toString('latin1', 0, await second?.read(target, 0))).toBe('old');
      await Promise.all([first?.close(), second?.close()]);
    });

    it('never mix the bytes of a large blob with those that replaced it', async () => {
      const [old, newer] = [Buffer.alloc(3_000_000, 1), Buffer.alloc(3_000_000, 2)];
      await get().put('k', old);
      const reader = await get().open('k');
      const stream = await get().stream('k');
      await get().put('k', newer);
      const read = async (start: number, bytes: number): Promise<Buffer> => {
        const target = Buffer.alloc(bytes);
        return target.subarray(0, await reader?.read(target, start));
      };
      expect(await staysOn(old, () => read(0, old.length))).toBe(true);
      expect(await staysOn(old, () => bytesOf(stream))).toBe(true);
      expect(await staysOn(old.subarray(0, 10), () => read(2_000_000, 10))).toBe(true);
      await reader?.close();
    });

    it('end a stream that is aborted', async () => {
      await get().put('k', randomBytes(3_000_000));
      const abort = new AbortController();
      const stream = await get().stream('k', undefined, abort.signal);
      stream.once('data', () => abort.abort());
      await expect(bytesOf(stream)).rejects.toThrow('abort');
    });
  });
}

function describeLists(get: () => Blobs): void {
  describe('list and delete', () => {
    const sample = ['a', 'a-b', 'a.b', 'ab/c', 'ab/c-d', 'ab/c.d/e', 'ab/cd', 'ab0', 'b/1', 'b/10', 'b/2'];
    const fill = async (): Promise<void> => {
      for (const key of [...sample].reverse()) await get().put(key, text(key));
    };

    it('lists in key order, where "-" and "." come before "/"', async () => {
      await fill();
      await get().put('b-/x', text(''));
      expect(await keys(get().list(''))).toEqual([...sample, 'b-/x'].sort());
    });

    it('lists any prefix after any key', async () => {
      await fill();
      const beginning = fc.constantFrom(...sample, '').chain((key) => fc.nat({ max: key.length }).map((cut) => key.slice(0, cut)));
      await fc.assert(
        fc.asyncProperty(
          beginning,
          fc.oneof(beginning, fc.constantFrom('', 'ab/c', 'ab/', 'zz', 'ab/c.d/', 'b/1')),
          async (prefix, after) => {
            expect(await keys(get().list(prefix, { after }))).toEqual(sample.filter((key) => key.startsWith(prefix) && key > after));
          },
        ),
        { numRuns: 80 },
      );
    });

    it('gives each blob as stat does', async () => {
      await fill();
      for await (const info of get().list('ab')) expect(info).toEqual(await get().stat(info.key));
    });

    it('stops when it is aborted', async () => {
      await fill();
      await expect(keys(get().list('', { signal: AbortSignal.abort(new Error('enough')) }))).rejects.toThrow('enough');
    });

    it('deletes one blob, and again without an error', async () => {
      await fill();
      await get().delete('ab/c');
      await get().delete('ab/c');
      expect(await keys(get().list(''))).toEqual(sample.filter((key) => key !== 'ab/c'));
    });

    it('deletes what is below a prefix, counts it, and leaves its neighbours', async () => {
      await fill();
      expect(await get().deletePrefix('ab/')).toBe(4);
      expect(await keys(get().list(''))).toEqual(sample.filter((key) => !key.startsWith('ab/')));
      expect(await get().deletePrefix('ab/')).toBe(0);
      await get().put('ab/c.d/e', text('again'));
      expect((await get().read('ab/c.d/e')).toString()).toBe('again');
    });

    it('stores below a folder while its last blob is deleted', async () => {
      for (let n = 0; n < 25; n++) {
        await get().put('f/g/h', text('x'));
        await Promise.all([get().delete('f/g/h'), get().put('f/g/i', text('y'))]);
        expect((await get().read('f/g/i')).toString()).toBe('y');
        await get().delete('f/g/i');
      }
    });
  });
}

function describeKeys(get: () => Blobs): void {
  describe('keys', () => {
    it.each(['', '/a', '../a', 'a/../../b', '.hidden', 'a//b', 'a\0b', 'a\\b', 'a/.', 'é'])('refuses %j everywhere', async (key) => {
      const refused = async (promise: Promise<unknown>): Promise<void> => await expect(promise).rejects.toThrow(InvalidBlobKeyError);
      await refused(get().put(key, text('x')));
      await refused(get().stat(key));
      await refused(get().open(key));
      await refused(get().stream(key));
      await refused(get().read(key));
      await refused(get().delete(key));
      await refused(get().locate(key));
      await refused(get().deletePrefix(`${key}/`));
    });

    it('refuses prefixes that no key begins with', async () => {
      await expect(keys(get().list('../'))).rejects.toThrow(InvalidBlobKeyError);
      await expect(keys(get().list('/'))).rejects.toThrow(InvalidBlobKeyError);
      await expect(get().deletePrefix('')).rejects.toThrow(InvalidBlobKeyError);
      await expect(get().deletePrefix('a')).rejects.toThrow(InvalidBlobKeyError);
    });
  });
}
