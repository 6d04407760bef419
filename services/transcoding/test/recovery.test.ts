import { rm } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBlobs } from '@kinora/blobs';
import { assetPrefix, newId, sourceKey, type Asset } from '@kinora/contracts';
import { openDocuments } from '@kinora/documents';
import { event } from '@kinora/messaging';
import { decodeFrames, makeClip, makeFolder, startTranscoding, until } from './transcoding.ts';

const settings = {
  TRANSCODING_PRESET: 'ultrafast',
  TRANSCODING_CHUNK_SECONDS: '4',
  TRANSCODING_OPENING_SECONDS: '4',
  TRANSCODING_CONCURRENCY: '1',
};
let folder: string;
let clip: string;
beforeAll(async () => {
  folder = await makeFolder();
  const sources = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=10', '-f', 'lavfi', '-i', 'sine=440:d=10'];
  clip = await makeClip(folder, 'clip.webm', [
    ...sources,
    '-c:v',
    'libvpx',
    '-deadline',
    'realtime',
    '-cpu-used',
    '8',
    '-c:a',
    'libvorbis',
  ]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('the same work twice', () => {
  it('gives the same bytes when every command comes again (slow)', async () => {
    const transcoding = await startTranscoding(settings);
    try {
      const { assetId, envelope } = await transcoding.upload(clip);
      await transcoding.bus.publish({ ...envelope, id: newId() });
      const asset = await transcoding.finished(assetId);
      const first = await transcoding.media(assetId);
      const other = await transcoding.upload(clip);
      for (const jobId of ['probe', 'opening', 'opening', 'audio', 'chunk-0', 'chunk-1', 'chunk-1', 'storyboard']) {
        await transcoding.bus.publish(event('asset.transcode', 'transcoding', { assetId, jobId }));
        await transcoding.bus.publish(event('asset.transcode', 'transcoding', { assetId: other.assetId, jobId }));
      }
      expect((await transcoding.finished(other.assetId)).renditions).toEqual(asset.renditions);
      const second = await transcoding.media(other.assetId);
      expect([...second.keys()].map((key) => key.replace(other.assetId, assetId))).toEqual([...first.keys()]);
      for (const [key, bytes] of second) expect([key, first.get(key.replace(other.assetId, assetId))?.equals(bytes)]).toEqual([key, true]);
      const revisions = transcoding.heard.filter(({ data }) => data.asset.assetId === assetId).map(({ data }) => data.revision);
      expect(new Set(revisions).size).toBe(revisions.length);
    } finally {
      await transcoding.stop();
    }
  });
});

describe('a restart in the middle of the work', () => {
  it('goes on where it stopped and loses no frame (slow)', async () => {
    const dataDir = path.join(folder, 'restart');
    const before = await startTranscoding(settings, dataDir);
    const { assetId } = await before.upload(clip);
    await until('something is watchable', () => before.heard.some(({ type }) => type === 'asset.watchable'));
    await before.stop();
    const after = await startTranscoding(settings, dataDir);
    try {
      const asset = await after.finished(assetId);
      expect(asset).toMatchObject({ state: 'ready', hasPoster: true, hasStoryboard: true });
      for (const { renditionId, kind } of asset.renditions) {
        if (kind === 'video') expect((await decodeFrames(await after.join(assetId, renditionId))).times).toHaveLength(250);
      }
    } finally {
      await after.stop();
    }
  });
  it('takes up an asset whose commands were lost, and removes blobs that belong to none (slow)', async () => {
    const dataDir = path.join(folder, 'lost');
    const documents = openDocuments(`sqlite:${path.join(dataDir, 'documents')}`, 'transcoding');
    const assets = documents.collection<{ readonly _id: string }>('assets', { indexes: [] });
    await documents.ready();
    const [assetId, orphan, since] = [newId(), newId(), '2020-01-01T00:00:00.000Z'];
    const times = { createdAt: since, aliveAt: since, progressedAt: since };
    const facts = {
      videoId: newId(),
      ownerId: newId(),
      sourceKey: sourceKey(assetId),
      bytes: 1,
      state: 'processing',
      revision: 0,
      version: 0,
      sent: 0,
      jobs: {},
      renditions: {},
    };
    await assets.insertOne({ _id: assetId, ...facts, ...times });
    await documents.close();
    const blobs = openBlobs(`file:${path.join(dataDir, 'blobs')}`);
    await blobs.ready();
    await blobs.put(`${assetPrefix(orphan)}main.m3u8`, Buffer.from('#EXTM3U'));
    await blobs.close();
    const transcoding = await startTranscoding({ ...settings, TRANSCODING_GRACE_SECONDS: '0' }, dataDir);
    try {
      const { headers } = await transcoding.identities.create('admin');
      await until('the asset has failed for want of its source', async () => {
        const { asset } = (await (await fetch(`${transcoding.host.url}/api/assets/${assetId}`, { headers })).json()) as { asset: Asset };
        return asset.failure?.reason === 'source-missing';
      });
      await until('the orphan is gone', async () => !(await transcoding.blobs.stat(`${assetPrefix(orphan)}main.m3u8`)));
    } finally {
      await transcoding.stop();
    }
  });
});

describe('video.removed', () => {
  it('stops the work, removes every blob, and keeps a late upload of the video away (slow)', async () => {
    const transcoding = await startTranscoding(settings);
    try {
      const { assetId, videoId, envelope } = await transcoding.upload(clip);
      await until('something is watchable', () => transcoding.heard.some(({ type }) => type === 'asset.watchable'));
      await transcoding.bus.publish(event('video.removed', 'catalog', { videoId, ownerId: newId(), assetId }));
      const { headers } = await transcoding.identities.create('admin');
      const status = async (): Promise<number> => (await fetch(`${transcoding.host.url}/api/assets/${assetId}`, { headers })).status;
      await until('the asset is gone', async () => (await status()) === 404);
      await until('its blobs are gone', async () => (await transcoding.keys(assetId)).length === 0);
      await transcoding.bus.publish({ ...envelope, id: newId() });
      await until('the late event is taken', async () =>
        (await transcoding.bus.depths()).every(
          ({ queue, waiting, underWay }) => !queue.startsWith('transcoding.') || waiting + underWay === 0,
        ),
      );
      expect(await status()).toBe(404);
    } finally {
      await transcoding.stop();
    }
  });
});

describe('GET /api/assets/:assetId', () => {
  it('shows admins the timeline of the jobs and nobody else (slow)', async () => {
    const transcoding = await startTranscoding(settings);
    try {
      const { assetId } = await transcoding.upload(clip);
      await transcoding.finished(assetId);
      const ask = (headers: Record<string, string> = {}, id = assetId): Promise<Response> =>
        fetch(`${transcoding.host.url}/api/assets/${id}`, { headers });
      const admin = await transcoding.identities.create('admin');
      const body = (await (await ask(admin.headers)).json()) as { jobs: { jobId: string; state: string; startedAt: string }[] };
      expect(body.jobs.map(({ jobId }) => jobId)).toEqual(['opening', 'audio', 'poster', 'chunk-0', 'chunk-1', 'chunk-2', 'storyboard']);
      expect(body.jobs.every(({ state, startedAt }) => state === 'done' && startedAt !== undefined)).toBe(true);
      expect((await ask()).status).toBe(401);
      expect((await ask((await transcoding.identities.create('creator')).headers)).status).toBe(403);
      expect((await ask(admin.headers, newId())).status).toBe(404);
      expect((await ask(admin.headers, '..%2f..')).status).toBe(404);
    } finally {
      await transcoding.stop();
    }
  });
});
