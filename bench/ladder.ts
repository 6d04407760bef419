/** Processor time of a whole transcode against one ffmpeg for each rendition, with the same settings of the encoder. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { ffmpegPath, ffprobePath } from '../platform/test/player.ts';
import { audioArguments, chunkArguments } from '../services/transcoding/src/arguments.ts';
import { readConfig } from '../services/transcoding/src/config.ts';
import { openFeatures } from '../services/transcoding/src/ffmpeg.ts';
import { openFfprobe } from '../services/transcoding/src/ffprobe.ts';
import { ladderFor, type Rung } from '../services/transcoding/src/ladder.ts';
import { planAsset, segmentSeconds } from '../services/transcoding/src/plan.ts';
import { clipFile, h264Clip, vp9Clip, type Clip } from './clips.ts';
import { removeVideo, untilReady, uploadClip, withPlatform, type Platform } from './platform.ts';
import { endedChildrenCpuSeconds, treeCpuSeconds } from './processes.ts';
import { row, type Row } from './row.ts';

/** Runs ffmpeg with pipe 3 going nowhere, and gives the processor time it took. */
async function ffmpegCpuSeconds(args: readonly string[]): Promise<number> {
  const nowhere = await open('/dev/null', 'w');
  try {
    const before = await endedChildrenCpuSeconds('self');
    const child = spawn(ffmpegPath, args, { stdio: ['ignore', 'ignore', 'inherit', nowhere.fd] });
    const code = await new Promise((resolve, reject) => child.once('error', reject).once('close', resolve));
    if (code !== 0) throw new Error(`ffmpeg ended with ${String(code)}`);
    return (await endedChildrenCpuSeconds('self')) - before;
  } finally {
    await nowhere.close();
  }
}

/** Arguments of one ffmpeg for each rendition of the clip: every rung encoded from a decode of its own, and the audio. */
async function referenceArguments(file: string): Promise<(readonly string[])[]> {
  const config = readConfig(process.env);
  const probe = await openFfprobe(ffprobePath, 30_000)(file, AbortSignal.timeout(60_000));
  const plan = planAsset(probe, config);
  const chunk = { index: 0, firstSegment: 0, firstFrame: 0, endFrame: plan.totalFrames, isLast: true };
  const common = { location: file, probe, plan, chunk, encoder: config, ...(await openFeatures(ffmpegPath)()) };
  const videoOf = (rung: Rung): string[] => chunkArguments({ ...common, rungs: [rung] });
  const audio = probe.audio && plan.audio ? [audioArguments(file, probe.audio, plan.audio, segmentSeconds * 1_000_000)] : [];
  return [...ladderFor(probe.video).map(videoOf), ...audio];
}

/** From the end of the upload until the asset is ready, of the platform and every process it starts. */
async function transcodeCpuSeconds(platform: Platform, file: string): Promise<number> {
  const { videoId } = await uploadClip(platform.client, file);
  const before = await treeCpuSeconds(platform.pid);
  await untilReady(platform.client, videoId);
  const spent = (await treeCpuSeconds(platform.pid)) - before;
  await removeVideo(platform, videoId);
  return spent;
}

async function compare(platform: Platform, clip: Clip, limit: number): Promise<Row> {
  const file = await clipFile(clip);
  const value = await transcodeCpuSeconds(platform, file);
  let reference = 0;
  for (const args of await referenceArguments(file)) reference += await ffmpegCpuSeconds(args);
  return row({
    what: `CPU of everything made from ${clip.what}`,
    value,
    unit: 's',
    reference: { what: 'one ffmpeg per rendition', value: reference },
    budget: { of: 'ratio', is: 'at most', limit },
  });
}

/** Counted on our side: probe, all renditions, packaging, poster, storyboard, and the platform itself meanwhile; nothing is subtracted. */
export const measureLadder = (): Promise<readonly Row[]> =>
  withPlatform(async (platform) => [await compare(platform, h264Clip, 0.4), await compare(platform, vp9Clip, 0.65)]);
