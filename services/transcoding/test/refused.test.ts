import { rm, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { sourceKey } from '@kinora/contracts';
import { makeClip, makeFolder, startTranscoding, type TranscodingUnderTest } from './transcoding.ts';

let folder: string;
let transcoding: TranscodingUnderTest;
let clip: string;
beforeAll(async () => {
  folder = await makeFolder();
  transcoding = await startTranscoding({ TRANSCODING_PRESET: 'ultrafast', TRANSCODING_MAX_DURATION_SECONDS: '5' });
  clip = await makeClip(folder, 'clip.mp4', ['-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=10:d=2', '-c:v', 'libx264', '-pix_fmt', 'yuv420p']);
});
afterAll(async () => {
  await transcoding.stop();
  await rm(folder, { recursive: true, force: true });
});

const failureOf = async (file: string | Buffer): Promise<string | undefined> => {
  const { assetId } = await transcoding.upload(file);
  const asset = await transcoding.finished(assetId);
  expect(asset.state).toBe('failed');
  expect(asset.renditions).toEqual([]);
  return asset.failure?.reason;
};

describe('a source that can never be watched', () => {
  it.each([
    ['an empty file', () => Buffer.alloc(0), ['not-a-video']],
    ['a text', () => Buffer.from('Dear diary,\n'.repeat(500)), ['not-a-video']],
    [
      'a playlist that names another file',
      () => Buffer.from(`#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nfile://${clip}\n#EXT-X-ENDLIST\n`),
      ['not-a-video', 'unreadable'],
    ],
    ['a concat script that names another file', () => Buffer.from(`ffconcat version 1.0\nfile '${clip}'\n`), ['not-a-video', 'unreadable']],
    [
      'a page that names another file',
      () => Buffer.from(`<MPD><Period><BaseURL>file://${clip}</BaseURL></Period></MPD>`),
      ['not-a-video', 'unreadable'],
    ],
    ['noise', () => Buffer.from(Array.from({ length: 50_000 }, (_, at) => (at * 7919) % 251)), ['not-a-video', 'unreadable']],
  ])('is refused with a reason: %s', async (_, make, reasons) => {
    expect(reasons).toContain(await failureOf(make()));
  });
  it('is refused as unreadable when it is a video without its index', async () => {
    const whole = await readFile(clip);
    expect(await failureOf(whole.subarray(0, 2000))).toBe('unreadable');
  });
  it('is refused as not a video when it has only sound or a picture', async () => {
    const sound = await makeClip(folder, 'sound.m4a', ['-f', 'lavfi', '-i', 'sine=440:d=1', '-c:a', 'aac']);
    const still = await makeClip(folder, 'still.png', ['-f', 'lavfi', '-i', 'testsrc2=s=64x64', '-frames:v', '1']);
    expect(await failureOf(sound)).toBe('not-a-video');
    expect(await failureOf(still)).toBe('not-a-video');
  });
  it('is refused as too long beyond the limit', async () => {
    const long = await makeClip(folder, 'long.mp4', [
      '-f',
      'lavfi',
      '-i',
      'testsrc2=s=64x64:r=5:d=8',
      '-c:v',
      'libx264',
      '-pix_fmt',
      'yuv420p',
    ]);
    expect(await failureOf(long)).toBe('too-long');
  });
  it('is reported missing when its bytes are gone', async () => {
    const { assetId, envelope } = await transcoding.upload(Buffer.from('x'));
    await transcoding.finished(assetId);
    const data = envelope.data as Record<string, unknown>;
    const gone = 'abcdefghijklmnopqrst';
    await transcoding.bus.publish({ ...envelope, id: gone, data: { ...data, uploadId: gone, sourceKey: sourceKey(gone) } });
    expect((await transcoding.finished(gone)).failure?.reason).toBe('source-missing');
  });
});

describe('a source that is damaged', () => {
  it('is ready with what can be decoded when its end was cut off (slow)', async () => {
    const whole = await readFile(
      await makeClip(folder, 'front.mkv', [
        '-f',
        'lavfi',
        '-i',
        'testsrc2=s=320x240:r=25:d=4',
        '-c:v',
        'libvpx',
        '-b:v',
        '1M',
        '-cpu-used',
        '8',
        '-deadline',
        'realtime',
      ]),
    );
    const cut = path.join(folder, 'cut.mkv');
    await writeFile(cut, whole.subarray(0, Math.floor(whole.length * 0.6)));
    const { assetId } = await transcoding.upload(cut);
    const asset = await transcoding.finished(assetId);
    expect(asset.state).toBe('ready');
    expect(await transcoding.text(assetId, `${asset.renditions[0]?.renditionId ?? ''}/main.m3u8`)).toContain('#EXT-X-ENDLIST');
  });
});
