/** Transcoding from outside: its own host, a bus to speak to it and to hear it, real ffmpeg on generated clips. */
import { execFile } from 'node:child_process';
import { createReadStream, statSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { openBlobs, type Blobs } from '@kinora/blobs';
import { assetPrefix, newId, sourceKey, topology, type Asset, type EventData } from '@kinora/contracts';
import { event, openBus, type Bus, type Envelope } from '@kinora/messaging';
import { openLog, startHost, type Host } from '@kinora/service';
import { createTestIdentities, type TestIdentities } from '@kinora/service/testing';
import { toolEnvironment } from '../src/ffmpeg.ts';
import { transcoding } from '../src/service.ts';

export const ffmpegPath = process.env.TRANSCODING_FFMPEG_PATH ?? 'ffmpeg';
export const ffprobePath = process.env.TRANSCODING_FFPROBE_PATH ?? 'ffprobe';
const exec = promisify(execFile);

/** Runs a tool and returns what it printed. */
export async function run(command: string, args: readonly string[]): Promise<string> {
  return (await exec(command, args, { maxBuffer: 64 * 1024 * 1024, env: toolEnvironment() })).stdout;
}

/** Asks again until `condition` holds. @throws {Error} after `seconds` */
export async function until<T>(
  what: string,
  condition: () => Promise<T | undefined | false> | T | undefined | false,
  seconds = 150,
): Promise<T> {
  const deadline = Date.now() + seconds * 1000;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`still not true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

export interface Heard {
  readonly id: string;
  readonly type: string;
  readonly atMs: number;
  readonly data: EventData<'asset.ready'>;
}

export interface TranscodingUnderTest {
  readonly host: Host;
  readonly bus: Bus;
  readonly blobs: Blobs;
  readonly identities: TestIdentities;
  /** Every event that transcoding has emitted, once each, in the order heard. */
  readonly heard: readonly Heard[];
  /** Stores `file` as a source and reports it; returns the asset's id. */
  upload(file: string | Buffer): Promise<{ assetId: string; videoId: string; envelope: Envelope }>;
  /** Waits until the asset is ready or failed. */
  finished(assetId: string): Promise<Asset>;
  /** Init segment and segments of a rendition as one file; returns its path. */
  join(assetId: string, renditionId: string): Promise<string>;
  /** Every blob of the asset but playlists: key → bytes. */
  media(assetId: string): Promise<Map<string, Buffer>>;
  /** Keys of every blob of the asset. */
  keys(assetId: string): Promise<string[]>;
  text(assetId: string, file: string): Promise<string>;
  stop(): Promise<void>;
}

/** A folder for clips and results that goes with the tests. */
export const makeFolder = (): Promise<string> => mkdtemp(path.join(tmpdir(), 'kinora-transcoding-'));

/** Starts transcoding on a folder of its own; BLOBS_URL in `settings` puts the blobs elsewhere. */
export async function startTranscoding(settings: Readonly<Record<string, string>> = {}, givenDir?: string): Promise<TranscodingUnderTest> {
  const dataDir = givenDir ?? (await makeFolder());
  const identities = await createTestIdentities();
  const env = {
    ...identities.env,
    TRANSCODING_FFMPEG_PATH: ffmpegPath,
    TRANSCODING_FFPROBE_PATH: ffprobePath,
    ...settings,
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: dataDir,
  };
  const host = await startHost({
    definitions: [transcoding],
    env,
    log: openLog(process.env.KINORA_TEST_LOG === 'true' ? 'info' : 'silent'),
  });
  const bus = openBus(`sqlite:${path.join(dataDir, 'bus.sqlite')}`, { topology });
  const blobs = openBlobs(settings.BLOBS_URL ?? `file:${path.join(dataDir, 'blobs')}`);
  await Promise.all([bus.ready(), blobs.ready()]);
  const heard: Heard[] = [];
  bus.listen(['asset.watchable', 'asset.progressed', 'asset.ready', 'asset.failed'], ({ id, type, data }) => {
    if (!heard.some((before) => before.id === id))
      heard.push({ id, type, atMs: performance.now(), data: data as EventData<'asset.ready'> });
  });
  return {
    host,
    bus,
    blobs,
    identities,
    heard,
    async upload(file) {
      const assetId = newId();
      const videoId = newId();
      await blobs.put(sourceKey(assetId), typeof file === 'string' ? createReadStream(file) : file);
      const bytes = typeof file === 'string' ? statSync(file).size : file.length;
      const data = { uploadId: assetId, videoId, ownerId: newId(), sourceKey: sourceKey(assetId), filename: 'clip.mp4', bytes };
      const envelope = event('upload.completed', 'uploads', data);
      await bus.publish(envelope);
      return { assetId, videoId, envelope };
    },
    async finished(assetId) {
      const end = await until('the asset is ready or failed', () =>
        heard.findLast(({ type, data }) => data.asset.assetId === assetId && (type === 'asset.ready' || type === 'asset.failed')),
      );
      return end.data.asset;
    },
    async join(assetId, renditionId) {
      const folder = `${assetPrefix(assetId)}${renditionId}/`;
      const parts = [await blobs.read(`${folder}init.mp4`)];
      for (let segment = 0; await blobs.stat(`${folder}${segment}.m4s`); segment++) parts.push(await blobs.read(`${folder}${segment}.m4s`));
      const file = path.join(dataDir, `${assetId}-${renditionId}.mp4`);
      await writeFile(file, Buffer.concat(parts));
      return file;
    },
    async media(assetId) {
      const found = new Map<string, Buffer>();
      for await (const { key } of blobs.list(assetPrefix(assetId))) if (!key.endsWith('.m3u8')) found.set(key, await blobs.read(key));
      return found;
    },
    async keys(assetId) {
      const found: string[] = [];
      for await (const { key } of blobs.list(assetPrefix(assetId))) found.push(key);
      return found;
    },
    text: async (assetId, file) => (await blobs.read(assetPrefix(assetId) + file)).toString(),
    async stop() {
      await host.stop();
      await bus.close();
      await blobs.close();
      if (givenDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}

/** Generates a clip with ffmpeg; returns its path. */
export async function makeClip(folder: string, name: string, args: readonly string[]): Promise<string> {
  const file = path.join(folder, name);
  await run(ffmpegPath, ['-v', 'error', '-y', '-nostdin', ...args, file]);
  return file;
}

export interface Frames {
  /** Presentation times of decoded frames, seconds. */
  readonly times: readonly number[];
  readonly widthPx: number;
  readonly heightPx: number;
}

/** Decodes the video in `file` frame by frame. */
export async function decodeFrames(file: string): Promise<Frames> {
  const args = [
    '-v',
    'error',
    '-select_streams',
    'v:0',
    '-show_frames',
    '-show_entries',
    'frame=pts_time,pkt_pts_time,width,height',
    '-of',
    'json',
    file,
  ];
  const { frames } = JSON.parse(await run(ffprobePath, args)) as {
    frames: { pts_time?: string; pkt_pts_time?: string; width: number; height: number }[];
  };
  return {
    times: frames.map(({ pts_time: time, pkt_pts_time: older }) => Number(time ?? older)),
    widthPx: frames[0]?.width ?? 0,
    heightPx: frames[0]?.height ?? 0,
  };
}
