/** An installation that people use, and the proof that another one is the same to them. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { expect } from '@jest/globals';
import { Client } from '../../../platform/test/client.ts';
import { admin, eventually, type Installation } from '../../../platform/test/installation.ts';
import { makeClip, playAll } from '../../../platform/test/player.ts';

const tus = { 'tus-resumable': '1.0.0' };
const json = { 'content-type': 'application/json' };

/** What somebody holds in their hands who has used the installation. */
export interface Belongings {
  readonly clip: Buffer;
  /** A session, and an API key of the same account. */
  readonly session: Readonly<Record<string, string>>;
  readonly apiKey: Readonly<Record<string, string>>;
  /** A video that can be watched, and the address under which somebody watches it. */
  readonly videoId: string;
  readonly manifest: string;
  /** A video whose upload is under way, and the address of the upload. */
  readonly unfinishedVideoId: string;
  readonly location: string;
}

/** A session of the admin's at `kinora`. */
export const signIn = (kinora: Installation): Promise<Client> => Client.signIn(kinora.url, admin);

const base64 = (text: string): string => Buffer.from(text).toString('base64');

async function beginUpload(client: Client, videoId: string, clip: Buffer): Promise<string> {
  const metadata = `videoId ${base64(videoId)},filename ${base64('clip.mp4')}`;
  const headers = { ...tus, 'upload-length': String(clip.length), 'upload-metadata': metadata };
  const answer = await client.fetch('/api/uploads', { method: 'POST', headers });
  expect(answer.status).toBe(201);
  return answer.headers.get('location') ?? '';
}

/** Sends the bytes of `clip` from `start` to `end` to the upload at `location`. */
export async function send(url: string, headers: Record<string, string>, clip: Buffer, start: number, end: number): Promise<Response> {
  return fetch(url, {
    method: 'PATCH',
    headers: { ...headers, ...tus, 'upload-offset': String(start), 'content-type': 'application/offset+octet-stream' },
    body: new Uint8Array(clip.subarray(start, end)),
  });
}

const ready = (url: string, headers: Readonly<Record<string, string>>, videoId: string): Promise<true> =>
  eventually(`video ${videoId} to be ready`, 60_000, async () => {
    const video = (await (await fetch(`${url}/api/videos/${videoId}`, { headers })).json()) as { asset?: { state: string } };
    return video.asset?.state === 'ready' ? true : undefined;
  });

/** Begins an upload of which 10 000 bytes arrive. */
export async function halfUpload(
  kinora: Installation,
  { clip }: Pick<Belongings, 'clip'>,
): Promise<Pick<Belongings, 'unfinishedVideoId' | 'location'>> {
  const client = await signIn(kinora);
  const { videoId } = await client.createVideo('Still arriving');
  const location = await beginUpload(client, videoId, clip);
  expect((await send(kinora.url + location, client.headers, clip, 0, 10_000)).status).toBe(204);
  return { unfinishedVideoId: videoId, location };
}

/** Uses `kinora`, which runs: an account with an API key, a video to watch, an upload that is half done. */
export async function live(kinora: Installation): Promise<Belongings> {
  const client = await signIn(kinora);
  const file = path.join(kinora.dataDir, 'clip.mp4');
  await makeClip(file, { seconds: 2, size: '160x90' });
  const clip = await readFile(file);
  const { key } = await client.json<{ key: string }>('/api/me/api-keys', {
    method: 'POST',
    headers: json,
    body: JSON.stringify({ name: 'tool' }),
  });
  const { videoId } = await client.createVideo('Watched by somebody');
  const { upload, done } = client.upload(videoId, clip);
  upload.start();
  await done;
  const half = await halfUpload(kinora, { clip });
  await ready(kinora.url, client.headers, videoId);
  const { manifestUrl } = await client.playback(videoId);
  return {
    clip,
    session: client.headers,
    apiKey: { authorization: `Bearer ${key}` },
    ...{ videoId, manifest: manifestUrl, ...half },
  };
}

/** The address that somebody watches under plays at `url`. */
export async function expectPlays(url: string, { manifest }: Belongings): Promise<void> {
  const renditions = await playAll(new URL(manifest, url).href);
  expect(renditions.length).toBeGreaterThanOrEqual(2);
  for (const { isEnded, isAudio, frames } of renditions)
    expect({ isEnded, frames: isAudio || frames }).toEqual({ isEnded: true, frames: isAudio || 60 });
}

/** Everything that somebody had works at `kinora`, which runs: nobody signs in again. `offset` is where the upload goes on. */
export async function expectSame(kinora: Installation, belongings: Belongings, offset: number): Promise<void> {
  const { url } = kinora;
  const { session, apiKey, videoId, unfinishedVideoId, location, clip } = belongings;
  for (const headers of [session, apiKey]) {
    const me = (await (await fetch(`${url}/api/me`, { headers })).json()) as { email?: string };
    expect(me.email).toBe(admin.email);
  }
  const listed = (await (await fetch(`${url}/api/videos`, { headers: session })).json()) as { items: { videoId: string }[] };
  expect(listed.items.map((video) => video.videoId)).toContain(videoId);
  await expectPlays(url, belongings);
  const head = await fetch(url + location, { method: 'HEAD', headers: { ...session, ...tus } });
  expect(head.headers.get('upload-offset')).toBe(String(offset));
  const sent = await send(url + location, session, clip, offset, clip.length);
  expect({ status: sent.status, text: await sent.text() }).toEqual({ status: 204, text: '' });
  await ready(url, session, unfinishedVideoId);
}
