/**
 * Two replicas of transcoding at the same asset, brought to meet at the worst moment. Runs over files and over servers.
 * Long because every meeting is staged with the same two replicas.
 */
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BlobStoreError, type Blobs } from '@kinora/blobs';
import { assetPrefix, newId, sourceKey } from '@kinora/contracts';
import type { Collection, Documents } from '@kinora/documents';
import type { Bus } from '@kinora/messaging';
import { openLog } from '@kinora/service';
import { isFinished, type AssetDocument } from '../src/asset.ts';
import { readConfig } from '../src/config.ts';
import type { Output } from '../src/output.ts';
import { jobsOf, planAsset } from '../src/plan.ts';
import type { Probe } from '../src/probe.ts';
import { openPublisher, type Publisher } from '../src/publisher.ts';
import { openRunner, type Runner } from '../src/runner.ts';
import type { DoJob } from '../src/steps.ts';
import { openStore, renditionFile, type Store } from '../src/store.ts';
import { until } from './transcoding.ts';

/** Ports of one replica; several of the same place are opened by calling again. */
export interface ReplicaPorts {
  readonly documents: Documents;
  readonly bus: Bus;
  readonly blobs: Blobs;
}

export interface Place {
  open(): Promise<ReplicaPorts>;
  dispose(): Promise<void>;
}

const config = { ...readConfig({}), chunkSeconds: 4, openingSeconds: 8 };
const probe: Probe = {
  container: 'matroska,webm',
  startSeconds: 0,
  durationSeconds: 16,
  video: {
    ...{ index: 0, codec: 'vp8', profile: '', level: 0, pixelFormat: 'yuv420p', widthPx: 320, heightPx: 180, rotationDegrees: 0 },
    ...{ hasSquarePixels: true, isInterlaced: false, isHdr: false, rate: { num: 25, den: 1 }, frames: 400, startSeconds: 0 },
    ...{ durationSeconds: 16, longestGopSeconds: 4, startsClean: true, bitrateBps: 300_000 },
  },
  audio: undefined,
};
const plan = planAsset(probe, config);
const renditionId = plan.rungs[0]?.renditionId ?? '';
const output = (segments: number): Output => ({
  ...{ timescale: 25, codecs: 'avc1.64001f', runs: segments === 0 ? [] : [[segments, 100]], segments, bytes: segments, peakBps: 1 },
});

/** Something that happens when the test says so. */
function gate(): { readonly reached: Promise<void>; readonly opened: Promise<void>; reach(): void; open(): void } {
  const [reaching, opening] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  return { reached: reaching.promise, opened: opening.promise, reach: reaching.resolve, open: opening.resolve };
}

interface Replica extends ReplicaPorts {
  readonly store: Store;
  readonly publisher: Publisher;
  runner(doJob: DoJob): Runner;
}

const silentMs = 1_000;
const never = new AbortController().signal;

/** `blobs`, whose puts are made by `around`. */
const putting = (blobs: Blobs, around: (key: string, put: () => Promise<void>) => Promise<void>): Blobs =>
  new Proxy(blobs, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'put') return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      const put: Blobs['put'] = async (key, body, options) => {
        const stored: Awaited<ReturnType<Blobs['put']>>[] = [];
        await around(key, async () => void stored.push(await target.put(key, body, options)));
        return stored[0] ?? Promise.reject(new Error(`${key} was not put`));
      };
      return put;
    },
  });

/** The suite, over the ports that `openPlace` opens. */
export function replicasSuite(openPlace: () => Promise<Place>): void {
  let place: Place;
  let opened: Replica[];
  let assetId: string;
  let videoId: string;

  const open = async (wrap: (blobs: Blobs) => Blobs = (blobs) => blobs): Promise<Replica> => {
    const ports = await place.open();
    const blobs = wrap(ports.blobs);
    const now = (): Date => new Date();
    const log = openLog('silent');
    const store = openStore(ports.documents, ports.bus, now, (error) => log.error({ err: error }, 'outbox failed'));
    await Promise.all([ports.documents.ready(), ports.bus.ready(), ports.blobs.ready()]);
    const publisher = openPublisher(store, blobs, now, silentMs);
    const runner = (doJob: DoJob): Runner =>
      openRunner({ store, blobs, publisher, probe: () => Promise.resolve(probe), doJob, config, log, now });
    const replica = { ...ports, blobs, store, publisher, runner };
    opened.push(replica);
    return replica;
  };
  const upload = (): Parameters<Store['begin']>[0] => ({
    ...{ uploadId: assetId, videoId, ownerId: newId(), sourceKey: sourceKey(assetId), filename: 'clip.webm', bytes: 1 },
  });
  /** Begins the asset and gives it its plan. */
  const begin = async ({ store, blobs }: Replica): Promise<void> => {
    await blobs.put(sourceKey(assetId), Buffer.from('x'));
    await store.begin(upload());
    const set = { probe, plan, plannedAt: new Date().toISOString() };
    await store.change(assetId, () => ({ update: { $set: set } }));
  };
  const note = ({ store }: Replica, jobId: string, segments: number): Promise<AssetDocument | undefined> => {
    const record = { state: 'running', failures: 0, startedAt: new Date().toISOString(), outputs: { [renditionId]: output(segments) } };
    return store.change(assetId, () => ({ update: { $set: { [`jobs.${jobId}`]: record } } }));
  };
  const segmentsIn = async ({ blobs }: Pick<Replica, 'blobs'>): Promise<number> =>
    (await blobs.read(renditionFile(assetId, renditionId, 'main.m3u8'))).toString().match(/\.m4s$/gm)?.length ?? 0;
  const keys = async ({ blobs }: Replica): Promise<string[]> => {
    const found: string[] = [];
    for await (const { key } of blobs.list(assetPrefix(assetId))) found.push(key);
    return found;
  };

  beforeEach(async () => {
    place = await openPlace();
    opened = [];
    [assetId, videoId] = [newId(), newId()];
  });
  afterEach(async () => {
    for (const { store, documents, bus, blobs } of opened) {
      await store.outbox.stop();
      await Promise.all([documents.close(), bus.close(), blobs.close()]);
    }
    await place.dispose();
  });

  describe('playlists', () => {
    it('never shrink when the replica that read less comes to write later', async () => {
      const held = gate();
      const puts: number[] = [];
      const isMedia = (key: string): boolean => key.endsWith(`${renditionId}/main.m3u8`);
      const noting = (blobs: Blobs): Blobs =>
        putting(blobs, async (key, put) => {
          await put();
          if (isMedia(key)) puts.push(await segmentsIn({ blobs }));
        });
      const slow = await open((blobs) =>
        putting(noting(blobs), async (key, put) => {
          if (isMedia(key)) held.reach();
          if (isMedia(key)) await held.opened;
          await put();
        }),
      );
      const quick = await open(noting);
      await begin(slow);
      await note(slow, 'opening', 1);
      const slowly = slow.publisher.settle(assetId);
      await held.reached;
      await note(quick, 'opening', 2);
      const quickly = quick.publisher.settle(assetId);
      // The quick one either writes past the slow one, or waits for it.
      await Promise.race([quickly, until('the slow one is noticed', async () => (await quick.store.find(assetId))?.pen !== undefined)]);
      held.open();
      await Promise.all([slowly, quickly]);
      expect(puts).toEqual(puts.toSorted());
      expect(puts.at(-1)).toBe(2);
    });

    it('are taken over from a replica that has died while it wrote', async () => {
      const held = gate();
      const dying = await open((blobs) =>
        putting(blobs, async (key, put) => {
          if (!key.startsWith(assetPrefix(assetId))) return put();
          held.reach();
          await held.opened;
          throw new BlobStoreError('killed');
        }),
      );
      const other = await open();
      await begin(dying);
      await note(dying, 'opening', 2);
      const settling = dying.publisher.settle(assetId);
      await held.reached;
      await other.publisher.settle(assetId);
      expect(await segmentsIn(other)).toBe(2);
      held.open();
      await expect(settling).rejects.toThrow('killed');
    });
  });

  describe('a job done twice at once', () => {
    it('keeps all that is stored when the one that is behind notes its progress last', async () => {
      const [replica, late] = [await open(), await open()];
      await begin(replica);
      const held = gate();
      const behind = new AbortController();
      // Delivered again while the first still works: both do the chunk, ahead of the opening that comes before it on the timeline.
      const lateWork = late
        .runner(async ({ onOutput, signal }) => {
          held.reach();
          await held.opened;
          onOutput(renditionId, output(0));
          behind.abort();
          signal.throwIfAborted();
          return {};
        })
        .run(assetId, 'chunk-1', behind.signal);
      await held.reached;
      const run = (jobId: string): Promise<void> =>
        replica
          .runner(async ({ job: { chunk } }) => {
            const made = chunk ? (chunk.endFrame - chunk.firstFrame) / 100 : 0;
            return chunk ? { [renditionId]: output(made) } : {};
          })
          .run(assetId, jobId, never);
      await run('chunk-1');
      held.open();
      await expect(lateWork).rejects.toThrow();
      for (const { jobId } of jobsOf(plan)) await run(jobId);
      const finished = await replica.store.find(assetId);
      expect(finished && isFinished(finished)).toBe(true);
      expect(finished?.state).toBe('ready');
      expect(finished?.renditions[renditionId]?.output?.segments).toBe(4);
      expect(await segmentsIn(replica)).toBe(4);
    });

    it('goes on from what a killed one had stored without taking segments back', async () => {
      const replica = await open();
      await begin(replica);
      const killed = new AbortController();
      const first = replica
        .runner(async ({ onOutput, signal }) => {
          onOutput(renditionId, output(2));
          await until('two segments are in the playlist', async () => (await segmentsIn(replica).catch(() => 0)) === 2);
          killed.abort();
          signal.throwIfAborted();
          return {};
        })
        .run(assetId, 'opening', killed.signal);
      await expect(first).rejects.toThrow();
      const again = replica
        .runner(async ({ onOutput }) => {
          const { version = 0 } = (await replica.store.find(assetId)) ?? {};
          onOutput(renditionId, output(1));
          await until('the progress is noted', async () => ((await replica.store.find(assetId))?.version ?? 0) > version);
          expect(await segmentsIn(replica)).toBe(2);
          return { [renditionId]: output(2) };
        })
        .run(assetId, 'opening', never);
      await again;
      expect(await segmentsIn(replica)).toBe(2);
    });

    it('does not grow again when it is done and a late one notes its progress', async () => {
      const replica = await open();
      await begin(replica);
      const held = gate();
      const late = (await open())
        .runner(async ({ onOutput }) => {
          held.reach();
          await held.opened;
          onOutput(renditionId, output(1));
          return { [renditionId]: output(1) };
        })
        .run(assetId, 'opening', never);
      await held.reached;
      await replica.runner(() => Promise.resolve({ [renditionId]: output(2) })).run(assetId, 'opening', never);
      const done = (await replica.store.find(assetId))?.jobs['opening'];
      held.open();
      await late;
      expect((await replica.store.find(assetId))?.jobs['opening']).toEqual(done);
      expect(await segmentsIn(replica)).toBe(2);
    });

    it('is done, though another replica has failed at it for the last time', async () => {
      const [replica, unlucky] = [await open(), await open()];
      await begin(replica);
      const held = gate();
      const failing = unlucky
        .runner(async () => {
          held.reach();
          await held.opened;
          throw new Error('the encoder has crashed');
        })
        .run(assetId, 'poster', never);
      await held.reached;
      await unlucky.store.change(assetId, () => ({ update: { $set: { 'jobs.poster.failures': config.failures - 1 } } }));
      await replica.runner(() => Promise.resolve({})).run(assetId, 'poster', never);
      held.open();
      await failing;
      expect((await replica.store.find(assetId))?.jobs['poster']?.state).toBe('done');
    });
  });

  describe('a blob store that is away', () => {
    it('does not count as a failure of the job, however long that lasts', async () => {
      const replica = await open();
      await begin(replica);
      let outages = config.failures + 2;
      const runner = replica.runner(async () => {
        if (outages-- > 0) throw new BlobStoreError('The object store does not answer');
        return { [renditionId]: output(2) };
      });
      while (outages > 0) await expect(runner.run(assetId, 'opening', never)).rejects.toThrow(BlobStoreError);
      await runner.run(assetId, 'opening', never);
      expect((await replica.store.find(assetId))?.jobs['opening']).toMatchObject({ state: 'done', failures: 0 });
    });
  });

  describe('a video that is removed', () => {
    it('leaves no blob behind, though another replica was storing one', async () => {
      const [worker, remover] = [await open(), await open()];
      await begin(worker);
      const held = gate();
      const working = worker
        .runner(async () => {
          held.reach();
          await held.opened;
          await worker.blobs.put(renditionFile(assetId, renditionId, '0.m4s'), Buffer.from('late'));
          return { [renditionId]: output(1) };
        })
        .run(assetId, 'opening', never);
      await held.reached;
      for (const id of await remover.store.removeVideo(videoId)) await remover.blobs.deletePrefix(assetPrefix(id));
      held.open();
      await working;
      expect(await keys(worker)).toEqual([]);
    });

    it('leaves no blob behind when whoever removed it died before they were gone', async () => {
      const replica = await open();
      await begin(replica);
      await replica.blobs.put(renditionFile(assetId, renditionId, '0.m4s'), Buffer.from('x'));
      expect(await replica.store.removeVideo(videoId)).toEqual([assetId]);
      await replica.store.flush();
      // The event comes again, to whoever is there.
      const other = await open();
      expect(await other.store.removeVideo(videoId)).toEqual([assetId]);
    });

    it('gets no asset when its upload completes at the same moment', async () => {
      const held = gate();
      const replica = await open();
      // Between the look for a removal and the insertion of the asset.
      const ports = await place.open();
      const documents = new Proxy(ports.documents, {
        get(target, name) {
          if (name !== 'collection') return (Reflect.get(target, name, target) as () => unknown).bind(target);
          const collection: Documents['collection'] = (called, spec) => {
            const made = target.collection<never>(called, spec);
            return called === 'assets' ? insertingAfter(made, held) : made;
          };
          return collection;
        },
      });
      const store = openStore(
        documents,
        ports.bus,
        () => new Date(),
        () => undefined,
      );
      await documents.ready();
      const beginning = store.begin(upload());
      await held.reached;
      expect(await replica.store.removeVideo(videoId)).toEqual([]);
      held.open();
      expect(await beginning).toBe(false);
      expect(await replica.store.removeVideo(videoId)).toEqual([assetId]);
      expect(await replica.store.find(assetId)).toBeUndefined();
      await store.outbox.stop();
      await Promise.all([ports.documents.close(), ports.bus.close(), ports.blobs.close()]);
    });
  });
}

const insertingAfter = <T extends Collection<never>>(collection: T, held: ReturnType<typeof gate>): T =>
  new Proxy(collection, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target);
      if (name !== 'insertOne') return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      const insertOne: Collection<never>['insertOne'] = async (document) => {
        held.reach();
        await held.opened;
        await target.insertOne(document);
      };
      return insertOne;
    },
  });
