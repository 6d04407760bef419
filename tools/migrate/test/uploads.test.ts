import { truncate, writeFile } from 'node:fs/promises';
import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sourceKey } from '@kinora/contracts';
import type { Collection } from '@kinora/documents';
import type { AnyDocument, Ports } from '../ports.ts';
import { mirrorUploads, openUploadsOf, recordsOf, translationOf, type UploadRecord, type UploadsOutcome } from '../uploads.ts';
import { makeFolders, type Folders } from './folders.ts';

let folders: Folders;
let from: Ports;
let to: Ports;
let uploads: Collection<AnyDocument>;
let records: Collection<UploadRecord>;
const bytes = randomBytes(300_000);
const key = sourceKey('u1');
beforeEach(async () => {
  folders = await makeFolders();
  from = folders.place('from').ports;
  to = folders.place('to').ports;
  uploads = from.collection('uploads', 'uploads');
  records = to.collection<UploadRecord>('migration', 'uploads');
  await uploads.insertOne({
    _id: 'u1',
    state: 'open',
    lengthBytes: bytes.length,
    growth: await from.blobs().growing.create(key, bytes.length),
  });
});
afterEach(() => folders.remove());

/** The file holds the first `end` bytes, as if they had arrived. */
const arrive = (end: number): Promise<void> => writeFile(folders.path('from', 'blobs', key), bytes.subarray(0, end));
const mirror = async (isLast = false, signal = new AbortController().signal): Promise<UploadsOutcome> =>
  mirrorUploads({
    ...{ source: from.blobs(), target: to.blobs(), records, isLast, signal },
    open: await openUploadsOf(from),
    onBytes: () => undefined,
  });

/** What the target has of the upload, for who asks with the state that its document gets. */
async function brought(): Promise<Buffer | undefined> {
  const state = (await recordsOf(records)).get('u1')?.state;
  const offset = state === undefined ? undefined : await to.blobs().growing.offset({ key, lengthBytes: bytes.length, state });
  return offset === undefined ? undefined : (await to.blobs().read(key)).subarray(0, offset);
}

describe('mirrorUploads', () => {
  it('brings what has arrived, pass by pass, without bringing it twice', async () => {
    await arrive(0);
    expect(await mirror()).toEqual({ uploads: 1, copiedBytes: 0, restarted: 0 });
    await arrive(100_000);
    expect(await mirror()).toMatchObject({ copiedBytes: 100_000 });
    await arrive(250_000);
    expect(await mirror()).toMatchObject({ copiedBytes: 150_000 });
    expect(await mirror(true)).toMatchObject({ copiedBytes: 0 });
    expect(await brought()).toEqual(bytes.subarray(0, 250_000));
  });

  it('begins again when the source has fewer bytes than before, or others', async () => {
    await arrive(200_000);
    await mirror();
    await truncate(folders.path('from', 'blobs', key), 50_000);
    expect(await mirror()).toMatchObject({ copiedBytes: 50_000 });
    expect(await brought()).toEqual(bytes.subarray(0, 50_000));
    const others = Buffer.concat([randomBytes(50_000), bytes.subarray(50_000, 60_000)]);
    await writeFile(folders.path('from', 'blobs', key), others);
    await mirror(true);
    expect(await brought()).toEqual(others);
  });

  it('takes no byte that a checksum has yet to confirm', async () => {
    await arrive(200_000);
    await uploads.updateOne({ _id: 'u1' }, { $set: { growth: '150000' } });
    expect(await mirror()).toMatchObject({ copiedBytes: 150_000 });
    expect(await brought()).toEqual(bytes.subarray(0, 150_000));
  });

  it('goes on where it was when it is interrupted', async () => {
    await arrive(120_000);
    await mirror();
    await arrive(300_000);
    const abort = new AbortController();
    const interrupted = mirrorUploads({
      ...{ source: from.blobs(), target: to.blobs(), records, isLast: false, signal: abort.signal, open: await openUploadsOf(from) },
      onBytes: () => abort.abort(new Error('interrupted')),
    });
    await expect(interrupted).rejects.toThrow();
    expect(await brought()).toEqual(bytes.subarray(0, 120_000));
    expect(await mirror()).toMatchObject({ copiedBytes: 180_000 });
    expect(await brought()).toEqual(bytes);
  });

  it('forgets an upload that has been completed, so that its source is copied as a blob', async () => {
    await arrive(120_000);
    await mirror();
    await uploads.updateOne({ _id: 'u1' }, { $set: { state: 'completed' } });
    expect(await mirror()).toMatchObject({ uploads: 0 });
    expect(await records.countDocuments({})).toBe(0);
    expect(await to.blobs().stat(key)).toBeUndefined();
  });
});

describe('translationOf', () => {
  it('gives open uploads the state of the target and no lease, and leaves others alone', async () => {
    const { neutral, forTarget } = translationOf(new Map([['u1', { _id: 'u1', state: 'there', lengthBytes: 1, ranges: [] }]]));
    const open = { _id: 'u1', state: 'open', growth: 'here', lease: { token: 't' }, lengthBytes: 1 };
    expect(forTarget(open)).toEqual({ _id: 'u1', state: 'open', growth: 'there', lengthBytes: 1 });
    expect(neutral(open)).toEqual({ _id: 'u1', state: 'open', lengthBytes: 1 });
    const completed = { ...open, state: 'completed' };
    expect(forTarget(completed)).toEqual(completed);
  });
});
