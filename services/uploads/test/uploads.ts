/** Uploads from outside: a host with a catalog, a bus to hear it, and plain HTTP. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { slugOf, topology, type Identity, type Role, type Video } from '@kinora/contracts';
import { openBus, type Bus, type Envelope } from '@kinora/messaging';
import { openLog, startHost, type Host } from '@kinora/service';
import { createTestIdentities, type TestIdentities } from '@kinora/service/testing';
import { catalog } from '../../catalog/src/service.ts';
import { uploads } from '../src/service.ts';

export interface Person {
  readonly identity: Identity;
  readonly headers: { readonly authorization: string };
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Slug of the problem, if it is one. */
  readonly slug: string | undefined;
  readonly body: Readonly<Record<string, unknown>>;
}

export interface UploadsUnderTest {
  readonly url: string;
  readonly dataDir: string;
  readonly bus: Bus;
  /** Every upload.completed, as its receiver gets it. */
  readonly completed: readonly Envelope[];
  person(role?: Role): Promise<Person>;
  createVideo(owner: Person): Promise<Video>;
  removeVideo(owner: Person, videoId: string): Promise<void>;
  send(method: string, pathname: string, as: Person | undefined, headers?: Record<string, string>, body?: BodyInit | null): Promise<Answer>;
  /** Creates an upload for a new video and gives its path. */
  start(owner: Person, lengthBytes: number): Promise<string>;
  stop(): Promise<void>;
}

/** Asks again until `condition` holds. @throws {Error} after thirty seconds */
export async function until<T>(what: string, condition: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`still not true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

export const metadataOf = (entries: Readonly<Record<string, string>>): string =>
  Object.entries(entries)
    .map(([name, value]) => `${name} ${Buffer.from(value).toString('base64')}`)
    .join(',');

export const tusHeaders = { 'tus-resumable': '1.0.0' };
export const patchHeaders = (offset: number): Record<string, string> => ({
  ...tusHeaders,
  'content-type': 'application/offset+octet-stream',
  'upload-offset': String(offset),
});

/** Environment of a host under test. */
export const environment = (identities: TestIdentities, dataDir: string, env: Record<string, string> = {}): Record<string, string> => ({
  ...identities.env,
  PORT: '0',
  HOST: '127.0.0.1',
  DATA_DIR: dataDir,
  LOG_LEVEL: 'silent',
  PLAYBACK_SECRET: 'a secret only for tests, 32 chars',
  ...env,
});

/** Speaks to whatever host answers at `url()`. */
export async function speakTo(
  url: () => string,
  identities: TestIdentities,
  dataDir: string,
): Promise<Omit<UploadsUnderTest, 'url' | 'stop'> & { close(): Promise<void> }> {
  const bus = openBus(`sqlite:${path.join(dataDir, 'bus.sqlite')}`, { topology });
  await bus.ready();
  const completed: Envelope[] = [];
  bus.subscribe({
    service: 'transcoding',
    type: 'upload.completed',
    handler: ({ envelope }) => {
      completed.push(envelope);
      return Promise.resolve();
    },
  });
  const send: UploadsUnderTest['send'] = async (method, pathname, as, headers = {}, body) => {
    const streaming = body instanceof ReadableStream ? { duplex: 'half' } : {};
    const response = await fetch(url() + pathname, {
      method,
      headers: { ...as?.headers, ...headers },
      body: body ?? null,
      ...streaming,
    });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, headers: response.headers, slug: slugOf(parsed), body: parsed };
  };
  const createVideo: UploadsUnderTest['createVideo'] = async (owner) =>
    (await send('POST', '/api/videos', owner, { 'content-type': 'application/json' }, JSON.stringify({ title: 'A film' })))
      .body as unknown as Video;
  return {
    ...{ dataDir, bus, completed, send, createVideo },
    person: (role) => identities.create(role),
    async removeVideo(owner, videoId) {
      await send('DELETE', `/api/videos/${videoId}`, owner);
    },
    async start(owner, lengthBytes) {
      const { videoId } = await createVideo(owner);
      const metadata = metadataOf({ videoId, filename: 'film.mp4', filetype: 'video/mp4' });
      const made = await send('POST', '/api/uploads', owner, {
        ...tusHeaders,
        'upload-length': String(lengthBytes),
        'upload-metadata': metadata,
      });
      if (made.status !== 201) throw new Error(`no upload: ${made.status} ${JSON.stringify(made.body)}`);
      return made.headers.get('location') ?? '';
    },
    close: () => bus.close(),
  };
}

/** Starts catalog and uploads, on `folder` or on one of their own that goes when they stop. */
export async function startUploads(
  env: Record<string, string> = {},
  now: () => Date = () => new Date(),
  folder?: string,
): Promise<UploadsUnderTest> {
  const dataDir = folder ?? (await mkdtemp(path.join(tmpdir(), 'kinora-uploads-')));
  const identities = await createTestIdentities();
  const host: Host = await startHost({
    definitions: [catalog, uploads],
    env: environment(identities, dataDir, env),
    log: openLog('silent'),
    now,
  });
  const speaking = await speakTo(() => host.url, identities, dataDir);
  return {
    ...speaking,
    url: host.url,
    async stop() {
      await host.stop();
      await speaking.close();
      if (folder === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
