import { rm } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import type { Asset } from '@kinora/contracts';
import { decodeFrames, ffmpegPath, makeClip, makeFolder, run, startTranscoding, type TranscodingUnderTest } from './transcoding.ts';

let folder: string;
let transcoding: TranscodingUnderTest;
beforeAll(async () => {
  folder = await makeFolder();
  transcoding = await startTranscoding({
    TRANSCODING_PRESET: 'ultrafast',
    TRANSCODING_CHUNK_SECONDS: '4',
    TRANSCODING_OPENING_SECONDS: '4',
  });
});
afterAll(async () => {
  await transcoding.stop();
  await rm(folder, { recursive: true, force: true });
});

const picture = (size: string, rate: string, seconds: number): string[] => [
  '-f',
  'lavfi',
  '-i',
  `testsrc2=s=${size}:r=${rate}:d=${seconds}`,
];
const sound = (seconds: number): string[] => ['-f', 'lavfi', '-i', `sine=440:d=${seconds}`];
const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '60'];

/** Uploads a clip, waits, and checks of every video rendition that each frame is there once and evenly spaced. */
async function expectFrames(clip: string, frames: number, fps: number): Promise<{ asset: Asset; assetId: string; sizes: string[] }> {
  const { assetId } = await transcoding.upload(clip);
  const asset = await transcoding.finished(assetId);
  expect(asset).toMatchObject({ state: 'ready', progress: 1, hasPoster: true, hasStoryboard: true });
  const sizes: string[] = [];
  for (const { renditionId, kind, complete } of asset.renditions) {
    expect(complete).toBe(true);
    if (kind === 'audio') continue;
    const { times, widthPx, heightPx } = await decodeFrames(await transcoding.join(assetId, renditionId));
    expect([renditionId, times.length]).toEqual([renditionId, frames]);
    times.forEach((time, at) => expect(Math.abs(time - (times[0] ?? 0) - at / fps)).toBeLessThan(0.0012));
    sizes.push(`${widthPx}x${heightPx}`);
  }
  return { asset, assetId, sizes };
}

describe('a source that players take as it is', () => {
  it('is repackaged as the top rendition and encoded below it, no frame lost at a border (slow)', async () => {
    const clip = await makeClip(folder, 'a.mp4', [
      ...picture('640x360', '30000/1001', 10),
      ...sound(10),
      ...h264,
      '-c:a',
      'aac',
      '-shortest',
    ]);
    const { asset, assetId, sizes } = await expectFrames(clip, 300, 30_000 / 1001);
    expect(asset.renditions.map(({ renditionId }) => renditionId)).toEqual(['v240', 'v360-source', 'audio']);
    expect(asset.stepsDone).toEqual(['probe', 'remux', 'audio', 'ladder', 'poster', 'storyboard']);
    expect(sizes).toEqual(['426x240', '640x360']);
    expect(transcoding.heard.filter(({ data }) => data.asset.assetId === assetId).map(({ type }) => type)).toContain('asset.watchable');
    expect(await transcoding.text(assetId, 'storyboard.vtt')).toContain('storyboard-0.jpg#xywh=0,0,160,90');
  });
  it('becomes ready without sound when it has none (slow)', async () => {
    const clip = await makeClip(folder, 'silent.mp4', [...picture('320x240', '25', 3), ...h264]);
    const { asset, assetId } = await expectFrames(clip, 75, 25);
    expect(asset.renditions.map(({ renditionId }) => renditionId)).toEqual(['v240-source']);
    expect(await transcoding.text(assetId, 'main.m3u8')).not.toContain('AUDIO');
  });
  it('is encoded instead when its keyframes turn out too far apart (slow)', async () => {
    const far = ['-force_key_frames', '0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21', '-g', '9999'];
    const clip = await makeClip(folder, 'far.mp4', [...picture('160x120', '10', 36), ...h264.slice(0, -2), ...far]);
    const { asset } = await expectFrames(clip, 360, 10);
    expect(asset.renditions.map(({ renditionId }) => renditionId)).toEqual(['v120']);
  });
});

describe('a source that has to be encoded', () => {
  it.each([
    ['VP9 and Opus in WebM', 'b.webm', ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus']],
    [
      'HEVC 10-bit in Matroska',
      'c.mkv',
      ['-c:v', 'libx265', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p10le', '-x265-params', 'log-level=error', '-c:a', 'flac'],
    ],
    ['H.264 and AC-3 in MPEG-TS', 'd.ts', [...h264, '-c:a', 'ac3']],
  ])('keeps every frame of %s across chunks (slow)', async (_, name, codecs) => {
    const clip = await makeClip(folder, name, [...picture('320x240', '24', 9), ...sound(9), ...codecs]);
    const { asset } = await expectFrames(clip, 216, 24);
    expect(asset.renditions.map(({ renditionId }) => renditionId)).toEqual(['v240', 'audio']);
  });
  it('keeps every frame of AV1 (slow)', async () => {
    const encoders = await run(ffmpegPath, ['-hide_banner', '-encoders']);
    const codec = encoders.includes('libsvtav1')
      ? ['-c:v', 'libsvtav1', '-preset', '12']
      : ['-c:v', 'libaom-av1', '-strict', '-2', '-cpu-used', '8'];
    const clip = await makeClip(folder, 'e.mp4', [...picture('160x120', '25', 1), ...codec]);
    await expectFrames(clip, 25, 25);
  });
  it.each([
    ['stands a portrait source upright', 'portrait.mp4', '202x360', [], ['136x240', '202x360'].slice(1)],
    ['makes odd sizes even', 'odd.mkv', '321x241', ['-pix_fmt', 'yuv444p'], ['320x240']],
  ])('%s (slow)', async (_, name, size, more, expected) => {
    const clip = await makeClip(folder, name, [...picture(size, '25', 2), '-c:v', 'libx264', '-preset', 'ultrafast', ...more]);
    const { sizes } = await expectFrames(clip, 50, 25);
    expect(sizes.at(-1)).toBe(expected[0]);
  });
  it('turns a source that its file says to turn (slow)', async () => {
    const lying = await makeClip(folder, 'lying.mp4', [...picture('320x240', '25', 2), ...h264]);
    const turned = await makeClip(
      folder,
      'turned.mp4',
      ffmpegPath === 'ffmpeg'
        ? ['-i', lying, '-c', 'copy', '-metadata:s:v', 'rotate=90']
        : ['-i', lying, '-c', 'copy', '-metadata:s:v:0', 'rotate=90'],
    );
    const { asset, sizes } = await expectFrames(turned, 50, 25);
    expect(sizes).toEqual(['240x320']);
    expect(asset).toMatchObject({ widthPx: 240, heightPx: 320 });
  });
  it('gives a variable frame rate an even one of the same length (slow)', async () => {
    const uneven = [
      '-vf',
      "select='not(mod(n,7))+not(mod(n,3))+between(n,60,90)'",
      '-vsync',
      'vfr',
      '-c:v',
      'libvpx',
      '-deadline',
      'realtime',
      '-cpu-used',
      '8',
    ];
    const clip = await makeClip(folder, 'uneven.webm', [...picture('160x120', '30', 6), ...uneven]);
    const { assetId } = await transcoding.upload(clip);
    const asset = await transcoding.finished(assetId);
    const { times } = await decodeFrames(await transcoding.join(assetId, asset.renditions[0]?.renditionId ?? ''));
    const steps = times.slice(1).map((time, at) => time - (times[at] ?? 0));
    expect(Math.max(...steps) - Math.min(...steps)).toBeLessThan(0.002);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeGreaterThan(5.7);
    expect((times.at(-1) ?? 0) - (times[0] ?? 0)).toBeLessThan(6.2);
  });
});
