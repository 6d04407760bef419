/** The clips that are uploaded: 60 s of 1080p at 30 frames per second, about 7 Mbit/s, moving picture with noise and a tone. Made once. */
import { execFile } from 'node:child_process';
import { mkdir, rename, stat } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { ffmpegPath } from '../platform/test/player.ts';

const folder = path.join(import.meta.dirname, '..', 'node_modules', '.cache', 'kinora', 'bench');

/** A clip by name: what its container and codecs are, and the arguments that make them. */
export interface Clip {
  readonly what: string;
  readonly file: string;
  readonly codec: readonly string[];
}

const rate = ['-b:v', '7M', '-maxrate', '9M', '-bufsize', '14M', '-g', '60', '-pix_fmt', 'yuv420p'];

/** What phones and cameras write: players take it as it is. */
export const h264Clip: Clip = {
  what: '60 s of 1080p H.264/AAC',
  file: 'clip-h264.mp4',
  codec: ['-c:v', 'libx264', '-preset', 'veryfast', ...rate, '-c:a', 'aac', '-b:a', '128k'],
};

/** What has to be encoded in full, top rung and audio too. */
export const vp9Clip: Clip = {
  what: '60 s of 1080p VP9/Opus',
  file: 'clip-vp9.webm',
  codec: ['-c:v', 'libvpx-vp9', '-deadline', 'realtime', '-cpu-used', '8', '-row-mt', '1', ...rate, '-c:a', 'libopus', '-b:a', '128k'],
};

/** Path of a clip, which is made when it is not there yet: a minute or two. */
export async function clipFile({ file, codec }: Clip): Promise<string> {
  const clip = path.join(folder, file);
  if (await stat(clip).catch(() => undefined)) return clip;
  await mkdir(folder, { recursive: true });
  process.stderr.write(`making ${file} (once) …\n`);
  const unfinished = path.join(folder, `unfinished-${process.pid}-${file}`);
  const picture = ['-f', 'lavfi', '-i', 'testsrc2=size=1920x1080:rate=30:duration=60,noise=alls=6:allf=t'];
  const tone = ['-f', 'lavfi', '-i', 'sine=frequency=440:sample_rate=48000:duration=60'];
  await promisify(execFile)(ffmpegPath, ['-v', 'error', '-nostdin', '-y', ...picture, ...tone, '-ac', '2', ...codec, unfinished]);
  await rename(unfinished, clip);
  return clip;
}
