import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  decodeFrames,
  ffmpegPath,
  ffprobePath,
  makeClip,
  makeFolder,
  run,
  startTranscoding,
  type TranscodingUnderTest,
} from './transcoding.ts';

const exec = promisify(execFile);
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

/** White for three frames and a beep of 50 ms at each full second. */
const flashesAndBeeps = [
  ...['-f', 'lavfi', '-i', "color=black:s=640x360:r=30:d=6,drawbox=c=white:t=fill:enable='lt(mod(n,30),3)'"],
  ...['-f', 'lavfi', '-i', "aevalsrc='if(lt(mod(t,1),0.05),0.8*sin(2*PI*1000*t),0)':s=48000:d=6"],
];

async function decodeRaw(args: readonly string[]): Promise<Buffer> {
  return (await exec(ffmpegPath, ['-v', 'error', ...args, 'pipe:1'], { encoding: 'buffer', maxBuffer: 256 * 1024 * 1024 })).stdout;
}

/** Times at which the picture turns from black to white. */
async function findFlashes(file: string): Promise<number[]> {
  const { times } = await decodeFrames(file);
  const luma = await decodeRaw(['-i', file, '-vsync', '0', '-vf', 'scale=1:1:flags=area,format=gray', '-f', 'rawvideo']);
  return times.filter((_, at) => (luma[at] ?? 0) > 128 && (at === 0 || (luma[at - 1] ?? 0) < 128));
}

/** Times at which silence ends; the decoder's own handling of priming is off, as in a player that appends segments. */
async function findBeeps(file: string): Promise<number[]> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'a:0',
    '-read_intervals',
    '%+#1',
    '-show_entries',
    'packet=pts_time',
    '-of',
    'csv=p=0',
    file,
  ];
  const firstSeconds = Number.parseFloat(await run(ffprobePath, args));
  const bytes = await decodeRaw(['-flags2', '+skip_manual', '-i', file, '-ac', '1', '-ar', '48000', '-f', 's16le']);
  const samples = new Int16Array(bytes.buffer, bytes.byteOffset, Math.floor(bytes.length / 2));
  const beeps: number[] = [];
  let quietUntil = -1;
  samples.forEach((sample, at) => {
    if (Math.abs(sample) < 5000) return;
    if (at > quietUntil) beeps.push(firstSeconds + at / 48_000);
    quietUntil = at + 4800;
  });
  return beeps;
}

describe('sound and picture', () => {
  it.each([
    ['repackaged from MP4', 'sync.mp4', ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '45', '-pix_fmt', 'yuv420p', '-c:a', 'aac']],
    ['repackaged from Matroska', 'sync.mkv', ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '45', '-pix_fmt', 'yuv420p', '-c:a', 'flac']],
    ['encoded from WebM', 'sync.webm', ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-c:a', 'libopus']],
    [
      'encoded from MPEG-TS',
      'sync.ts',
      ['-c:v', 'libx264', '-preset', 'veryfast', '-g', '45', '-pix_fmt', 'yuv420p', '-c:a', 'mp2', '-b:a', '192k'],
    ],
  ])('are as far apart as in the source, within 5 ms, in every rendition %s (slow)', async (_, name, codecs) => {
    const clip = await makeClip(folder, name, [...flashesAndBeeps, ...codecs]);
    const [flash = 0, beep = 0] = [(await findFlashes(clip))[0], (await findBeeps(clip))[0]];
    const { assetId } = await transcoding.upload(clip);
    const asset = await transcoding.finished(assetId);
    const beeps = await findBeeps(await transcoding.join(assetId, 'audio'));
    expect(beeps).toHaveLength(6);
    const pictures = asset.renditions.filter(({ kind }) => kind === 'video');
    expect(pictures.length).toBeGreaterThan(1);
    for (const { renditionId } of pictures) {
      const flashes = await findFlashes(await transcoding.join(assetId, renditionId));
      expect([renditionId, flashes.length]).toEqual([renditionId, 6]);
      const apart = flashes.map((time, at) => Math.abs(time - (beeps[at] ?? 0) - (flash - beep)) * 1000);
      expect([renditionId, Math.max(...apart) <= 5, apart]).toEqual([renditionId, true, apart]);
    }
  });
});
