/** A strict player for tests: fetches every playlist and segment of an asset and lets ffprobe count what comes out. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import * as HLS from 'hls-parser';

const run = promisify(execFile);
export const ffmpegPath = process.env['TRANSCODING_FFMPEG_PATH'] ?? 'ffmpeg';
export const ffprobePath = process.env['TRANSCODING_FFPROBE_PATH'] ?? 'ffprobe';

export interface PlayedRendition {
  readonly uri: string;
  readonly isAudio: boolean;
  readonly isEnded: boolean;
  readonly segmentCount: number;
  readonly durationSeconds: number;
  /** Frames (video) or AAC packets (audio) decoded without an error. */
  readonly frames: number;
  readonly widthPx: number | undefined;
  readonly heightPx: number | undefined;
}

async function get(url: string): Promise<Response> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}`);
  return response;
}

/** A generated clip, moving picture and a tone. `arguments_` go before the output, e.g. a codec. */
export async function makeClip(
  file: string,
  {
    seconds = 4,
    size = '320x180',
    rate = 30,
    codec = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '60', '-pix_fmt', 'yuv420p', '-c:a', 'aac'],
  } = {},
): Promise<void> {
  const inputs = [
    '-f',
    'lavfi',
    '-i',
    `testsrc2=size=${size}:rate=${rate}:duration=${seconds}`,
    '-f',
    'lavfi',
    '-i',
    `sine=frequency=440:duration=${seconds}`,
  ];
  await run(ffmpegPath, ['-v', 'error', '-y', ...inputs, ...codec, file]);
}

async function probe(
  file: string,
  kind: 'v' | 'a',
): Promise<{ frames: number; widthPx: number | undefined; heightPx: number | undefined }> {
  const { stdout, stderr } = await run(ffprobePath, [
    '-v',
    'error',
    '-select_streams',
    kind,
    '-count_frames',
    '-show_entries',
    'stream=nb_read_frames,width,height',
    '-of',
    'json',
    file,
  ]);
  if (stderr.trim()) throw new Error(`decoding complains: ${stderr}`);
  const stream = (JSON.parse(stdout) as { streams: { nb_read_frames: string; width?: number; height?: number }[] }).streams[0];
  return { frames: Number(stream?.nb_read_frames), widthPx: stream?.width, heightPx: stream?.height };
}

async function play(url: string, isAudio: boolean): Promise<PlayedRendition> {
  const playlist = HLS.parse(await (await get(url)).text()) as HLS.types.MediaPlaylist;
  const init = playlist.segments[0]?.map?.uri;
  if (!init) throw new Error(`${url} has no init segment`);
  const parts: Buffer[] = [];
  for (const uri of [init, ...playlist.segments.map((segment) => segment.uri)])
    parts.push(Buffer.from(await (await get(new URL(uri, url).href)).arrayBuffer()));
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kinora-player-'));
  try {
    const file = path.join(folder, 'rendition.mp4');
    await writeFile(file, Buffer.concat(parts));
    const durationSeconds = playlist.segments.reduce((sum, segment) => sum + segment.duration, 0);
    return {
      uri: url,
      isAudio,
      isEnded: playlist.endlist,
      segmentCount: playlist.segments.length,
      durationSeconds,
      ...(await probe(file, isAudio ? 'a' : 'v')),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Everything below the manifest at `manifestUrl`, fetched and decoded. */
export async function playAll(manifestUrl: string): Promise<PlayedRendition[]> {
  const manifest = HLS.parse(await (await get(manifestUrl)).text()) as HLS.types.MasterPlaylist;
  const video = manifest.variants.map((variant) => ({ uri: variant.uri, isAudio: false }));
  const audio = new Map(
    manifest.variants.flatMap((variant) => variant.audio).map((track) => [track.uri, { uri: track.uri ?? '', isAudio: true }]),
  );
  const played: PlayedRendition[] = [];
  for (const { uri, isAudio } of [...video, ...audio.values()]) played.push(await play(new URL(uri, manifestUrl).href, isAudio));
  return played;
}
