/** A catalog from outside: its own host, a bus to speak to it and to hear it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  newId,
  topology,
  type Asset,
  type EventData,
  type EventType,
  type Identity,
  type Role,
  type Video,
  type VideoPage,
} from '@kinora/contracts';
import { openDocuments } from '@kinora/documents';
import { event, openBus, type Bus, type Envelope, type QueueDepth } from '@kinora/messaging';
import { openLog, startHost, type Host } from '@kinora/service';
import { createTestIdentities } from '@kinora/service/testing';
import { catalog } from '../src/service.ts';

export const playbackSecret = 'a secret only for tests, 32 chars';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

export interface Person {
  readonly identity: Identity;
  readonly headers: { readonly authorization: string };
}

export interface CatalogUnderTest {
  readonly host: Host;
  readonly heard: readonly Envelope[];
  person(role?: Role, name?: string): Promise<Person>;
  ask<T = Record<string, unknown>>(
    method: string,
    pathname: string,
    as?: Person,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<T>>;
  create(owner: Person, wish?: Record<string, unknown>): Promise<Video>;
  get(videoId: string, as?: Person): Promise<Answer<Video>>;
  list(query: string, as?: Person): Promise<VideoPage>;
  tell<T extends EventType>(type: T, data: EventData<T>): Promise<Envelope>;
  repeat(envelope: Envelope): Promise<void>;
  /** Asks again until `condition` holds. */
  until<T>(condition: () => Promise<T | undefined | false>): Promise<T>;
  /** Deliveries that the catalog has not finished. */
  waiting(): Promise<number>;
  /** Deliveries that it has given up. */
  deadLetters(): Promise<number>;
  /** How many records of views the catalog keeps of a video. */
  countsOf(videoId: string): Promise<number>;
  /** Puts such a record there. */
  leaveCounts(videoId: string): Promise<void>;
  /** A video that is ready. */
  createReady(owner: Person, wish?: Record<string, unknown>): Promise<Video>;
  stop(): Promise<void>;
}

export const assetOf = (fields: Partial<Asset> = {}): Asset => ({
  assetId: newId(),
  state: 'ready',
  progress: 1,
  stepsDone: ['probe'],
  durationSeconds: 12.5,
  hasPoster: true,
  hasStoryboard: false,
  renditions: [
    { renditionId: 'v720', kind: 'video', widthPx: 1280, heightPx: 720, bitrateBps: 2_000_000, codecs: 'avc1.64001f', complete: true },
  ],
  ...fields,
});

/** Asks again until `condition` holds. @throws {Error} after a minute */
async function until<T>(condition: () => Promise<T | undefined | false>): Promise<T> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`still not true: ${String(condition)}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a catalog on a folder of its own; `now` is its clock. */
export async function startCatalog(now: () => Date = () => new Date()): Promise<CatalogUnderTest> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-catalog-'));
  const identities = await createTestIdentities();
  const env = { ...identities.env, PORT: '0', HOST: '127.0.0.1', DATA_DIR: dataDir, LOG_LEVEL: 'silent', PLAYBACK_SECRET: playbackSecret };
  const host = await startHost({ definitions: [catalog], env, log: openLog('silent'), now });
  const bus: Bus = openBus(`sqlite:${path.join(dataDir, 'bus.sqlite')}`, { topology });
  await bus.ready();
  const documents = openDocuments(`sqlite:${path.join(dataDir, 'documents')}`, 'catalog');
  const views = documents.collection('views', { indexes: 'as they are' });
  await documents.ready();
  const heard: Envelope[] = [];
  bus.listen(['video.published', 'video.changed', 'video.removed'], (envelope) => {
    if (!heard.some(({ id }) => id === envelope.id)) heard.push(envelope);
  });

  const ask: CatalogUnderTest['ask'] = async <T>(
    method: string,
    pathname: string,
    as?: Person,
    body?: unknown,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(host.url + pathname, {
      method,
      headers: { ...as?.headers, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? {} : JSON.parse(text)) as T };
  };
  const create: CatalogUnderTest['create'] = async (owner, wish = {}) =>
    (await ask<Video>('POST', '/api/videos', owner, { title: 'A film', ...wish })).body;
  const get: CatalogUnderTest['get'] = (videoId, as) => ask<Video>('GET', `/api/videos/${videoId}`, as);
  const tell: CatalogUnderTest['tell'] = async (type, data) => {
    const envelope = event(type, 'transcoding', data);
    await bus.publish(envelope);
    return envelope;
  };
  const depths = async (): Promise<QueueDepth[]> => (await bus.depths()).filter(({ queue }) => queue.startsWith('catalog.'));
  const sum = (numbers: readonly number[]): number => numbers.reduce((total, next) => total + next, 0);
  return {
    host,
    heard,
    ask,
    create,
    get,
    tell,
    repeat: (envelope) => bus.publish(envelope),
    until,
    waiting: async () => sum((await depths()).map(({ waiting, underWay }) => waiting + underWay)),
    deadLetters: async () => sum((await depths()).map(({ dead }) => dead)),
    countsOf: (videoId) => views.countDocuments({ _id: videoId }),
    leaveCounts: (videoId) => views.insertOne({ _id: videoId }),
    person: (role, name) => identities.create(role, name),
    list: async (query, as) => (await ask<VideoPage>('GET', `/api/videos${query}`, as)).body,
    async createReady(owner, wish) {
      const { videoId } = await create(owner, wish);
      await tell('asset.ready', { videoId, ownerId: owner.identity.accountId, revision: 1, asset: assetOf() });
      return until(async () => {
        const { body } = await get(videoId, owner);
        return body.asset?.state === 'ready' && body;
      });
    },
    async stop() {
      await host.stop();
      await Promise.all([bus.close(), documents.close()]);
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}
