import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { openBlobs } from '@kinora/blobs';
import { makeContainer, openFaultyProxy } from '@kinora/blobs/testing';
import { assetPrefix, type Asset } from '@kinora/contracts';
import { makeClip, makeFolder, startTranscoding, until } from './transcoding.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '', AZURE_CONTAINER = '' } = process.env;
const settings = {
  TRANSCODING_PRESET: 'ultrafast',
  TRANSCODING_CHUNK_SECONDS: '4',
  TRANSCODING_OPENING_SECONDS: '4',
  TRANSCODING_RECONCILE_SECONDS: '1',
};
const sources = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=9', '-f', 'lavfi', '-i', 'sine=440:d=9'];
const h264 = [...sources, '-c:v', 'libx264', '-preset', 'ultrafast', '-g', '50', '-pix_fmt', 'yuv420p', '-c:a', 'aac'];
const vp8 = [...sources, '-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libvorbis'];

const prefix = `transcoding-${randomUUID()}`;
const s3Url = (host = new URL(S3_ENDPOINT).host): string => `s3://${S3_BUCKET}/${prefix}?endpoint=http://${host}`;
const azureUrl = `azure://${AZURE_CONTAINER}/${prefix}`;
let folder: string;
let clips: readonly string[];
/** What comes of each clip in a folder: what the renditions are, and their bytes by key below the asset. */
let expected: readonly Made[];

interface Made {
  readonly renditions: Asset['renditions'];
  readonly media: ReadonlyMap<string, Buffer>;
}

async function makeAll(blobsUrl: string | undefined): Promise<Made[]> {
  const transcoding = await startTranscoding({ ...settings, ...(blobsUrl !== undefined && { BLOBS_URL: blobsUrl }) });
  try {
    const made: Made[] = [];
    for (const clip of clips) {
      const { assetId } = await transcoding.upload(clip);
      const asset = await transcoding.finished(assetId);
      expect([clip, asset.state]).toEqual([clip, 'ready']);
      const media = [...(await transcoding.media(assetId))].map(([key, bytes]) => [key.replace(assetPrefix(assetId), ''), bytes] as const);
      made.push({ renditions: asset.renditions, media: new Map(media) });
    }
    return made;
  } finally {
    await transcoding.stop();
  }
}

function expectSame(made: readonly Made[]): void {
  expect(made.map(({ renditions }) => renditions)).toEqual(expected.map(({ renditions }) => renditions));
  for (const [at, { media }] of made.entries()) {
    expect([...media.keys()].sort()).toEqual([...(expected[at]?.media.keys() ?? [])].sort());
    for (const [key, bytes] of media) expect([key, expected[at]?.media.get(key)?.equals(bytes)]).toEqual([key, true]);
  }
}

beforeAll(async () => {
  folder = await makeFolder();
  // The index of an MP4 is at its end; MPEG-TS has none, and is searched.
  clips = [
    await makeClip(folder, 'clip.mp4', h264),
    await makeClip(folder, 'clip.webm', vp8),
    await makeClip(folder, 'clip.ts', [...h264, '-f', 'mpegts']),
  ];
  expected = await makeAll(undefined);
  await makeContainer(azureUrl);
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  for (const url of [s3Url(), azureUrl]) {
    const blobs = openBlobs(url);
    await Promise.all([blobs.deletePrefix('assets/'), blobs.deletePrefix('uploads/')]);
    await blobs.close();
  }
});

describe('a source in an object store', () => {
  it('becomes the same segments in S3 as in a folder (slow)', async () => expectSame(await makeAll(s3Url())));
  it('becomes the same segments in Azure as in a folder (slow)', async () => expectSame(await makeAll(azureUrl)));

  it('becomes ready though the store was away for a while in the middle (slow)', async () => {
    const proxy = await openFaultyProxy(new URL(S3_ENDPOINT).host);
    const transcoding = await startTranscoding({ ...settings, TRANSCODING_FAILURES: '1', BLOBS_URL: s3Url(proxy.host) });
    try {
      const { assetId } = await transcoding.upload(clips[1] ?? '');
      await until('something can be watched', () => transcoding.heard.some(({ type }) => type === 'asset.watchable'));
      proxy.state = 'down';
      await until('the store has been asked for again and again', () => proxy.refused > 20);
      proxy.state = 'up';
      const asset = await transcoding.finished(assetId);
      expect(asset.state).toBe('ready');
      const media = [...(await transcoding.media(assetId))].map(([key, bytes]) => [key.replace(assetPrefix(assetId), ''), bytes] as const);
      const { renditions } = asset;
      const [, webm] = expected;
      expect(renditions).toEqual(webm?.renditions);
      for (const [key, bytes] of media) expect([key, webm?.media.get(key)?.equals(bytes)]).toEqual([key, true]);
    } finally {
      proxy.state = 'up';
      await transcoding.stop();
      await proxy.close();
    }
  });
});
