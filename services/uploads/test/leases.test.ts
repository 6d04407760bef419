import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { openDocuments, type Collection, type Documents } from '@kinora/documents';
import { openLeases, type Leases, type LeasesOptions } from '../src/leases.ts';
import { openUploads, type UploadDocument } from '../src/store.ts';
import { openTransfers } from '../src/transfers.ts';

const never = 1_000_000;
const waitMs = 200;
const upload = (more: Partial<UploadDocument> = {}): UploadDocument => ({
  ...{ _id: 'an upload', version: 0, videoId: 'v', ownerId: 'o', filename: 'film.mp4', metadata: '', lengthBytes: 4, state: 'open' },
  ...{ createdAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-08T00:00:00.000Z' },
  ...more,
});

let folder: string;
let documents: Documents;
let uploads: Collection<UploadDocument>;
let fenced: string[];
beforeEach(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'kinora-leases-'));
  documents = openDocuments(`sqlite:${folder}`, 'uploads');
  uploads = openUploads(documents);
  await uploads.insertOne(upload());
  fenced = [];
});
afterEach(async () => {
  await documents.close();
  await rm(folder, { recursive: true });
});

/** Leases of one replica. Its beats are as rare as `beatMs` says: one that is to be silent has none. */
const replica = (options: Partial<LeasesOptions> = {}): Leases =>
  openLeases({
    ...{
      uploads,
      beatMs: never,
      silentMs: 400,
      transfers: openTransfers({ stalledMs: 0, storeStalledMs: 0, now: () => performance.now() }),
    },
    fence: ({ _id }) => Promise.resolve(void fenced.push(_id)),
    onError: (error) => {
      throw error;
    },
    ...options,
  });
const record = (): Promise<UploadDocument | undefined> => uploads.findOne({ _id: 'an upload' });

describe('the lease of an upload', () => {
  it('is free again once it is released, and nobody has to be shut out then', async () => {
    const lease = await replica().take('an upload', false, waitMs);
    await lease?.change({ $set: { growth: 'grown' } });
    await lease?.release();
    const next = await replica().take('an upload', false, waitMs);
    expect(next?.upload?.growth).toBe('grown');
    expect(fenced).toEqual([]);
    await next?.release();
    expect((await record())?.lease).toBeUndefined();
  });

  it('stays with a holder that beats', async () => {
    const lease = await replica({ beatMs: 50 }).take('an upload', false, waitMs);
    expect(await replica().take('an upload', false, waitMs)).toBeUndefined();
    await lease?.change({ $set: { growth: 'grown' } });
    await lease?.release();
  });

  it('goes from a holder that is silent to who waits, which shuts it out first and can change the record alone', async () => {
    const silent = await replica().take('an upload', false, waitMs);
    const taken = await replica().take('an upload', false, waitMs);
    expect(fenced).toEqual(['an upload']);
    await expect(silent?.change({ $set: { growth: 'stale' } })).rejects.toMatchObject({ slug: 'upload-locked' });
    await silent?.release();
    expect((await taken?.change({ $set: { growth: 'fresh' } }))?.growth).toBe('fresh');
    expect((await record())?.unfenced).toBeUndefined();
    await taken?.release();
  });

  it('goes at once from a process that has ended, which needs no shutting out', async () => {
    const { machine } = (await replica().take('an upload', false, waitMs))?.stamp.process ?? { machine: '' };
    const ended = { token: 'a', beats: 1, service: 'b', process: { machine, pid: 2 ** 22 + 1, startedAt: '1' } };
    await uploads.updateOne({ _id: 'an upload' }, { $set: { lease: ended } });
    const taken = await replica({ silentMs: never }).take('an upload', false, waitMs);
    expect(taken).toBeDefined();
    expect(fenced).toEqual([]);
    await taken?.release();
  });

  it('is not used before the former holder is shut out, whoever takes it next', async () => {
    const silent = await replica().take('an upload', false, waitMs);
    const failing = replica({ fence: () => Promise.reject(new Error('the disk is full')) });
    await expect(failing.take('an upload', false, waitMs)).rejects.toThrow('the disk is full');
    expect(await record()).toMatchObject({ unfenced: true });
    const taken = await replica().take('an upload', false, waitMs);
    expect(fenced).toEqual(['an upload']);
    await Promise.all([silent?.release(), taken?.release()]);
    expect((await record())?.lease).toBeUndefined();
  });

  it('goes from a holder that was asked to end its transfer and does not let go, however it beats', async () => {
    const transfers = openTransfers({ stalledMs: 0, storeStalledMs: 0, now: () => performance.now() });
    const stuck = await replica({ beatMs: 50, transfers }).take('an upload', false, waitMs);
    const { signal } = transfers.begin('an upload');
    const taken = await replica().take('an upload', false, waitMs);
    expect(signal.aborted).toBe(true);
    expect(fenced).toEqual(['an upload']);
    await Promise.all([stuck?.release(), taken?.release()]);
  });

  it('is given for an upload without a record, too, which is then made with it', async () => {
    const lease = await replica().take('a new upload', false, waitMs);
    if (!lease) throw new Error('no lease');
    expect(lease.upload).toBeUndefined();
    const made = upload({ _id: 'a new upload', lease: lease.stamp });
    await uploads.insertOne(made);
    lease.adopt(made);
    expect((await lease.change({ $set: { growth: 'grown' } })).growth).toBe('grown');
    await lease.release();
    expect((await uploads.findOne({ _id: 'a new upload' }))?.lease).toBeUndefined();
  });
});
