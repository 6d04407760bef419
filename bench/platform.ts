/** The whole platform in one process, as `npm start` runs it, and what sections do with it. */
import { readFile } from 'node:fs/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '../platform/test/client.ts';
import { admin, eventually, Installation } from '../platform/test/installation.ts';
import { childrenOf, listenerBelow, needLinux } from './processes.ts';

export interface Platform {
  readonly kinora: Installation;
  readonly client: Client;
  /** The process of all services: below npm's own. */
  readonly pid: number;
}

/** The process of all services of a started installation. */
export const platformPid = ({ pid, port }: Installation): Promise<number> => listenerBelow(pid, port);

/** Runs `work` with a platform on an empty data folder (or on what `prepare` has put there), then ends it and deletes its data. */
export async function withPlatform<T>(
  work: (platform: Platform) => Promise<T>,
  { env = {}, prepare }: { readonly env?: Record<string, string>; readonly prepare?: (dataDir: string) => Promise<void> } = {},
): Promise<T> {
  needLinux();
  const kinora = await Installation.create(env);
  try {
    await prepare?.(kinora.dataDir);
    await kinora.start();
    return await work({ kinora, client: await Client.signIn(kinora.url, admin), pid: await platformPid(kinora) });
  } finally {
    await kinora.end('SIGTERM');
    await kinora.remove();
  }
}

/** Uploads the clip in `file` as a new video; resolves with the last answer of the upload. `finishedAtMs` is of `performance.now()`. */
export async function uploadClip(client: Client, file: string): Promise<{ readonly videoId: string; readonly finishedAtMs: number }> {
  const source = await readFile(file);
  const { videoId } = await client.createVideo('A measurement');
  const { upload, done } = client.upload(videoId, source);
  upload.start();
  await done;
  return { videoId, finishedAtMs: performance.now() };
}

/** Resolves when the asset is ready; an asset that failed is an error. Asks seldom, so that asking costs nothing that counts. */
export async function untilReady(client: Client, videoId: string): Promise<void> {
  for (const deadline = Date.now() + 600_000; Date.now() < deadline; await delay(500)) {
    const { asset } = await client.video(videoId);
    if (asset?.state === 'ready') return;
    if (asset?.state === 'failed') throw new Error(`the clip was refused: ${asset.failure?.reason ?? 'without a reason'}`);
  }
  throw new Error('the clip was not ready after ten minutes');
}

/** Deletes a video and waits until nothing is encoded any more. */
export async function removeVideo({ client, pid }: Platform, videoId: string): Promise<void> {
  await client.fetch(`/api/videos/${videoId}`, { method: 'DELETE' });
  await eventually('encoding to stop', 30_000, async () => ((await childrenOf(pid)).length === 0 ? true : undefined));
}
