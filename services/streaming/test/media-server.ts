import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { request, type IncomingHttpHeaders } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobs, type Blobs } from '@kinora/blobs';
import { newId } from '@kinora/contracts';
import { signPlaybackToken } from '@kinora/contracts/playback-token';
import { startHost } from '@kinora/service';
import { streaming } from '../src/service.ts';

const secret = 'a secret for tests only';

/** A streaming service on a port and a folder of its own, with a clock that tests may set. */
export interface MediaServer {
  readonly origin: string;
  readonly blobs: Blobs;
  readonly folder: string;
  /** Time of day, unless `setMs` says what it shows. */
  readonly clock: { setMs: number | undefined };
  readonly assetId: string;
  /** Path of a file of `assetId` with a valid token. */
  path(file: string, lifetimeSeconds?: number): string;
  put(file: string, bytes: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

/** BLOBS_URL in `env` puts the blobs elsewhere. */
export async function startMediaServer(env: NodeJS.ProcessEnv = {}): Promise<MediaServer> {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-streaming-'));
  const clock: MediaServer['clock'] = { setMs: undefined };
  const now = (): Date => new Date(clock.setMs ?? Date.now());
  const settings: NodeJS.ProcessEnv = {
    PORT: '0',
    HOST: '127.0.0.1',
    DATA_DIR: folder,
    PLAYBACK_SECRET: secret,
    LOG_LEVEL: 'silent',
    ...env,
  };
  const host = await startHost({ definitions: [streaming], env: settings, now });
  const blobs = openBlobs(settings.BLOBS_URL ?? `file:${join(folder, 'blobs')}`);
  const assetId = newId();
  return {
    origin: host.url.replace('localhost', '127.0.0.1'),
    blobs,
    folder,
    clock,
    assetId,
    path: (file, lifetimeSeconds = 3600) =>
      `/media/${signPlaybackToken(secret, assetId, Math.floor(now().getTime() / 1000) + lifetimeSeconds)}/${assetId}/${file}`,
    put: async (file, bytes) => void (await blobs.put(`assets/${assetId}/${file}`, bytes)),
    async stop() {
      await host.stop();
      await blobs.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

export interface Received {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** One request on a connection of its own; `path` goes out as it is, dots and all. */
export function ask(
  origin: string,
  path: string,
  options: { readonly method?: string; readonly headers?: Readonly<Record<string, string>> } = {},
): Promise<Received> {
  const { hostname, port } = new URL(origin);
  return new Promise((resolve, reject) => {
    const sending = request(
      { hostname, port, path, agent: false, method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }));
      },
    );
    sending.on('error', reject);
    sending.end();
  });
}

/** Random bytes, so that a mix-up shows. */
export const segment = (bytes: number): Buffer => randomBytes(bytes);
