/** Uploads from outside: a host with a catalog, a bus to hear it, and plain HTTP; and what it keeps in its stores. */
import { createHash } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { openBlobs, type Blobs, type GrowingBlob } from '@kinora/blobs';
import { slugOf, sourceKey, topology, type Identity, type Role, type Video } from '@kinora/contracts';
import { openDocuments, type Collection } from '@kinora/documents';
import { openBus, type Bus, type Envelope } from '@kinora/messaging';
import { openLog, startHost, type Host } from '@kinora/service';
import { createTestIdentities, type TestIdentities } from '@kinora/service/testing';
import { catalog } from '../../catalog/src/service.ts';
import { uploads } from '../src/service.ts';
import { growingOf, type UploadDocument } from '../src/store.ts';
import type { Stores } from './stores.ts';

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

/** Speaks to a host. */
export interface Asking {
  person(role?: Role): Promise<Person>;
  createVideo(owner: Person): Promise<Video>;
  removeVideo(owner: Person, videoId: string): Promise<void>;
  send(method: string, pathname: string, as: Person | undefined, headers?: Record<string, string>, body?: BodyInit | null): Promise<Answer>;
  /** Creates an upload for a new video and gives its path. */
  start(owner: Person, lengthBytes: number): Promise<string>;
  offsetOf(location: string, as: Person): Promise<number>;
}

/** Hears what hosts tell, and looks into their stores. */
export interface Looking {
  readonly bus: Bus;
  readonly blobs: Blobs;
  /** Every upload.completed, as its receiver gets it. */
  readonly completed: readonly Envelope[];
  /** All bytes of a source. */
  stored(location: string): Promise<Buffer>;
  readonly uploads: Collection<UploadDocument>;
  record(location: string): Promise<UploadDocument>;
  /** Bytes that count, asked of the stores alone. */
  counted(location: string): Promise<number>;
  /** Adds bytes as somebody does who then dies without a word. */
  appendBehind(location: string, bytes: string): Promise<void>;
  /** Keys of all bytes that are stored, finished or not. */
  keys(): Promise<readonly string[]>;
}

export interface UploadsUnderTest extends Asking, Looking {
  readonly url: string;
  readonly dataDir: string;
  stop(): Promise<void>;
}

/** Asks again until `condition` holds. @throws {Error} after a minute */
export async function until<T>(what: string, condition: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 60_000;
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

/** A body that gives `bytes` and then nothing more, without an end. */
export const unending = (bytes: Uint8Array): ReadableStream<Uint8Array> =>
  new ReadableStream({ start: (controller) => controller.enqueue(bytes), pull: () => new Promise(() => undefined) });

export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Id of the upload at a path. */
export const idOf = (location: string): string => location.split('/').at(-1) ?? '';

/** Environment of a host under test. */
export const environment = (
  stores: Stores,
  identities: TestIdentities,
  dataDir: string,
  env: Record<string, string> = {},
): Record<string, string> => ({
  ...stores.env(dataDir),
  ...identities.env,
  PORT: '0',
  HOST: '127.0.0.1',
  DATA_DIR: dataDir,
  LOG_LEVEL: 'silent',
  PLAYBACK_SECRET: 'a secret only for tests, 32 chars',
  ...env,
});

async function hear(bus: Bus): Promise<readonly Envelope[]> {
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
  return completed;
}

const sending =
  (url: string): Asking['send'] =>
  async (method, pathname, as, headers = {}, body) => {
    const streaming = body instanceof ReadableStream ? { duplex: 'half' } : {};
    const response = await fetch(url + pathname, { method, headers: { ...as?.headers, ...headers }, body: body ?? null, ...streaming });
    const text = await response.text();
    const parsed = text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {};
    return { status: response.status, headers: response.headers, slug: slugOf(parsed), body: parsed };
  };

function lookers(blobs: Blobs, uploadsCollection: Collection<UploadDocument>): Omit<Looking, 'bus' | 'blobs' | 'completed'> {
  const { growing } = blobs;
  const record: Looking['record'] = async (location) => {
    const found = await uploadsCollection.findOne({ _id: idOf(location) });
    if (!found) throw new Error(`no record of ${location}`);
    return found;
  };
  const blobOf = async (location: string): Promise<GrowingBlob> => growingOf(await record(location));
  return {
    uploads: uploadsCollection,
    record,
    stored: (location) => blobs.read(sourceKey(idOf(location))),
    counted: async (location) => (await growing.offset(await blobOf(location))) ?? -1,
    async appendBehind(location, bytes) {
      const appending = await growing.append(await blobOf(location), {
        isWhole: false,
        record: async (growth) => void (await uploadsCollection.updateOne({ _id: idOf(location) }, { $set: { growth } })),
      });
      await appending.write([Buffer.from(bytes)]);
      await appending.keep();
    },
    async keys() {
      const found = new Set<string>();
      for await (const { key } of growing.remains('uploads/', Date.now() + 86_400_000)) found.add(key);
      return [...found];
    },
  };
}

/** Speaks to the host at `url`. */
export function speakTo(url: string, identities: TestIdentities): Asking {
  const send = sending(url);
  const createVideo: Asking['createVideo'] = async (owner) =>
    (await send('POST', '/api/videos', owner, { 'content-type': 'application/json' }, JSON.stringify({ title: 'A film' })))
      .body as unknown as Video;
  return {
    ...{ send, createVideo },
    person: (role) => identities.create(role),
    async removeVideo(owner, videoId) {
      await send('DELETE', `/api/videos/${videoId}`, owner);
    },
    async start(owner, lengthBytes) {
      const { videoId } = await createVideo(owner);
      const metadata = metadataOf({ videoId, filename: 'film.mp4', filetype: 'video/mp4' });
      const headers = { ...tusHeaders, 'upload-length': String(lengthBytes), 'upload-metadata': metadata };
      const made = await send('POST', '/api/uploads', owner, headers);
      if (made.status !== 201) throw new Error(`no upload: ${made.status} ${JSON.stringify(made.body)}`);
      return made.headers.get('location') ?? '';
    },
    async offsetOf(location, as) {
      const { status, headers } = await send('HEAD', location, as, tusHeaders);
      const offset = headers.get('upload-offset');
      if (offset === null) throw new Error(`HEAD of ${location}: ${status} without an offset`);
      return Number(offset);
    },
  };
}

/** Hears what hosts with the settings `env` tell, and looks into their stores. */
export async function lookInto(env: Record<string, string>): Promise<Looking & { close(): Promise<void> }> {
  const bus = openBus(env['BUS_URL'] ?? '', { topology });
  const documents = openDocuments(env['DOCUMENTS_URL'] ?? '', 'uploads');
  const blobs = openBlobs(env['BLOBS_URL'] ?? '');
  return {
    ...{ bus, blobs, completed: await hear(bus) },
    ...lookers(blobs, documents.collection<UploadDocument>('uploads', { indexes: 'as they are' })),
    async close() {
      await Promise.all([bus.close(), documents.close(), blobs.close()]);
    },
  };
}

export interface StartOptions {
  readonly env?: Record<string, string>;
  readonly now?: () => Date;
  /** Default: one of their own that goes when they stop. */
  readonly folder?: string;
}

/** Starts catalog and uploads. */
export async function startUploads(
  stores: Stores,
  { env = {}, now = () => new Date(), folder }: StartOptions = {},
): Promise<UploadsUnderTest> {
  const dataDir = folder ?? (await mkdtemp(path.join(tmpdir(), 'kinora-uploads-')));
  const identities = await createTestIdentities();
  const all = environment(stores, identities, dataDir, env);
  await stores.make(all);
  const host: Host = await startHost({ definitions: [catalog, uploads], env: all, log: openLog('silent'), now });
  const looking = await lookInto(all);
  return {
    ...speakTo(host.url, identities),
    ...looking,
    dataDir,
    url: host.url,
    async stop() {
      await host.stop();
      await looking.close();
      if (folder !== undefined) return;
      await stores.dispose(all);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
