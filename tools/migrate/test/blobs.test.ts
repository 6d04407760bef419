import { writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { Blobs } from '@kinora/blobs';
import type { Collection } from '@kinora/documents';
import { findDamaged, mirrorBlobs, type BlobsOutcome } from '../blobs.ts';
import type { BlobRecord } from '../state.ts';
import { makeFolders, type Folders } from './folders.ts';

let folders: Folders;
let source: Blobs;
let target: Blobs;
let records: Collection<BlobRecord>;
beforeEach(async () => {
  folders = await makeFolders();
  source = folders.place('from').ports.blobs();
  const to = folders.place('to').ports;
  target = to.blobs();
  records = to.collection<BlobRecord>('migration', 'blobs');
});
afterEach(() => folders.remove());

const signal = new AbortController().signal;
const options = { concurrency: 4, trustsRecord: false, signal, onBlobs: () => undefined };
const mirror = (writes = true, leavesOut: ReadonlySet<string> = new Set()): Promise<BlobsOutcome> =>
  mirrorBlobs({ source, target, records, leavesOut, writes, ...options });

async function contents(blobs: Blobs): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for await (const { key } of blobs.list('')) found[key] = (await blobs.read(key)).toString('latin1');
  return found;
}

describe('mirrorBlobs', () => {
  it('copies what is missing, replaces what changed on either side, deletes what is gone, and leaves the rest', async () => {
    for (const name of ['a/1', 'a/2', 'b', 'c']) await source.put(name, Buffer.from(`first ${name}`));
    await source.put('large', Buffer.alloc(3_000_000, 'x'));
    expect(await mirror()).toMatchObject({ blobs: 5, copied: 5, deleted: 0, copiedBytes: 3_000_000 + 9 + 9 + 7 + 7 });
    expect(await contents(target)).toEqual(await contents(source));
    expect(await mirror()).toMatchObject({ blobs: 5, copied: 0, deleted: 0 });

    await source.put('a/1', Buffer.from('second'));
    await source.delete('b');
    await source.put('d', Buffer.from('new'));
    await target.put('c', Buffer.from('first x'));
    await target.put('stranger', Buffer.from('?'));
    expect(await mirror()).toMatchObject({ blobs: 5, copied: 3, deleted: 2 });
    expect(await contents(target)).toEqual(await contents(source));
    expect(await records.countDocuments({})).toBe(5);
  });

  it('writes nothing when it only compares', async () => {
    await source.put('a', Buffer.from('1'));
    await target.put('b', Buffer.from('2'));
    expect(await mirror(false)).toMatchObject({ copied: 1, deleted: 1, examples: ['a', 'b'] });
    expect(Object.keys(await contents(target))).toEqual(['b']);
    expect(await records.countDocuments({})).toBe(0);
  });

  it('does not look at what still grows', async () => {
    await source.put('uploads/1', Buffer.from('half'));
    await target.put('uploads/1', Buffer.from('ha'));
    expect(await mirror(true, new Set(['uploads/1']))).toMatchObject({ blobs: 0, copied: 0, deleted: 0 });
    expect((await target.read('uploads/1')).toString()).toBe('ha');
  });

  it('looks at every key there can be, whichever part of the order it is in', async () => {
    const keys = [
      '-',
      '0',
      'Z',
      'a',
      'assets/0',
      'assets/b/z',
      'assets/c',
      'assets/c-',
      'assets/c/1',
      'assets/k',
      'assets/kz/9',
      'assets/s',
      'assets/zz',
      'assets0',
      'z/z',
    ];
    for (const key of keys) await source.put(key, Buffer.from(key)).catch(() => undefined);
    await mirror();
    expect(await contents(target)).toEqual(await contents(source));
    await source.deletePrefix('assets/');
    await mirror();
    expect(await contents(target)).toEqual(await contents(source));
  });

  it('does without a list of the target when the record is trusted', async () => {
    for (const key of ['a', 'b', 'c']) await source.put(key, Buffer.from(key));
    await mirror();
    await source.put('a', Buffer.from('second'));
    await source.delete('b');
    expect(
      await mirrorBlobs({ source, target, records, leavesOut: new Set(), writes: true, ...options, trustsRecord: true }),
    ).toMatchObject({ copied: 1, deleted: 1 });
    expect(await contents(target)).toEqual(await contents(source));
    expect(await mirror()).toMatchObject({ copied: 0, deleted: 0 });
  });

  it('copies again when the record of a copy was lost', async () => {
    await source.put('a', Buffer.from('1'));
    await mirror();
    await records.deleteMany({});
    expect(await mirror()).toMatchObject({ copied: 1 });
    expect(await mirror()).toMatchObject({ copied: 0 });
  });
});

describe('findDamaged', () => {
  it('names the blobs whose bytes are not those that were copied, though size and time tell nothing', async () => {
    for (const name of ['a', 'b', 'c', 'd']) await source.put(name, Buffer.from(`bytes of ${name}`));
    await mirror();
    await writeFile(folders.path('to', 'blobs', 'b'), 'bytes of B');
    await target.delete('d');
    expect(await findDamaged({ target, records, ...options })).toEqual(['b', 'd']);
  });
});
