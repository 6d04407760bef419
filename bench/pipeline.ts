/** From the last answer of an upload to the first segment a player can fetch. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import * as HLS from 'hls-parser';
import type { Playback } from '@kinora/contracts';
import { ffmpegPath } from '../platform/test/player.ts';
import { clipFile, h264Clip, vp9Clip, type Clip } from './clips.ts';
import { removeVideo, uploadClip, withPlatform, type Platform } from './platform.ts';
import { median, row, type Row } from './row.ts';

const rounds = 3;
const askAgainMs = 10;

const textAt = async (url: string): Promise<string | undefined> => {
  const response = await fetch(url);
  const text = await response.text();
  return response.ok ? text : undefined;
};

/** True when a media playlist has a segment, and that and its init segment can be fetched. */
async function hasFirstSegment(url: string): Promise<boolean> {
  const text = await textAt(url);
  const [segment] = text === undefined ? [] : (HLS.parse(text) as HLS.types.MediaPlaylist).segments;
  const files = segment?.map ? [segment.map.uri, segment.uri] : [];
  const answers = await Promise.all(
    files.map((file) => fetch(new URL(file, url)).then(async (answer) => (await answer.arrayBuffer()) && answer.ok)),
  );
  return answers.length === 2 && answers.every((isOk) => isOk);
}

/** True when what a player needs first is there: manifest, and of its first variant and that one's audio a playlist, an init segment and a segment. */
async function isPlayable({ kinora, client }: Platform, videoId: string): Promise<boolean> {
  const answer = await client.fetch(`/api/videos/${videoId}/playback`);
  const playback = (await answer.json()) as Playback;
  if (!answer.ok) return false;
  const manifestUrl = new URL(playback.manifestUrl, kinora.url).href;
  const manifest = await textAt(manifestUrl);
  const [variant] = manifest === undefined ? [] : (HLS.parse(manifest) as HLS.types.MasterPlaylist).variants;
  if (!variant) return false;
  const uris = [variant.uri, ...variant.audio.flatMap(({ uri }) => uri ?? [])];
  return (await Promise.all(uris.map((uri) => hasFirstSegment(new URL(uri, manifestUrl).href)))).every((isThere) => isThere);
}

async function secondsToPlayable(platform: Platform, file: string): Promise<number> {
  const { videoId, finishedAtMs } = await uploadClip(platform.client, file);
  for (const deadline = finishedAtMs + 60_000; !(await isPlayable(platform, videoId)); await delay(askAgainMs)) {
    if (performance.now() > deadline) throw new Error('nothing could be played a minute after the upload');
  }
  const seconds = (performance.now() - finishedAtMs) / 1000;
  await removeVideo(platform, videoId);
  return seconds;
}

async function secondsToCopy(file: string): Promise<number> {
  const folder = await mkdtemp(path.join(tmpdir(), 'kinora-copy-'));
  try {
    const beganAtMs = performance.now();
    await promisify(execFile)(ffmpegPath, ['-v', 'error', '-nostdin', '-i', file, '-c', 'copy', path.join(folder, 'copy.mp4')]);
    return (performance.now() - beganAtMs) / 1000;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function rounded(measure: () => Promise<number>): Promise<number> {
  const measured: number[] = [];
  for (let round = 0; round < rounds; round++) measured.push(await measure());
  return median(measured);
}

/** Medians of three; the video is deleted as soon as it plays, so that no encoding competes with the next. */
export async function measurePipeline(): Promise<readonly Row[]> {
  const [h264, vp9] = [await clipFile(h264Clip), await clipFile(vp9Clip)];
  const what = (clip: Clip): string => `upload end → first segment playable, ${clip.what}`;
  return withPlatform(async (platform) => [
    row({
      what: what(h264Clip),
      value: await rounded(() => secondsToPlayable(platform, h264)),
      unit: 's',
      reference: { what: '`ffmpeg -c copy` of it', value: await rounded(() => secondsToCopy(h264)) },
      budget: { of: 'value', is: 'at most', limit: 1.5 },
    }),
    row({
      what: what(vp9Clip),
      value: await rounded(() => secondsToPlayable(platform, vp9)),
      unit: 's',
      budget: { of: 'value', is: 'at most', limit: 4 },
    }),
  ]);
}
