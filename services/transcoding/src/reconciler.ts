import type { Blobs } from '@kinora/blobs';
import { assetPrefix } from '@kinora/contracts';
import type { Bus } from '@kinora/messaging';
import type { Log } from '@kinora/service';
import { isFinished, type AssetDocument } from './asset.ts';
import type { Config } from './config.ts';
import { openingJobs, remainingJobs } from './plan.ts';
import type { Publisher } from './publisher.ts';
import { command, type Store } from './store.ts';

export interface ReconcilerPorts {
  readonly store: Store;
  readonly bus: Bus;
  readonly blobs: Blobs;
  readonly publisher: Publisher;
  readonly config: Config;
  readonly log: Log;
  readonly now: () => Date;
}

export interface Reconciler {
  /** Begins to look every `TRANSCODING_RECONCILE_SECONDS`, at once for the first time. */
  start(): void;
  /** One look: lost commands sent again, playlists repaired, orphan blobs removed. */
  reconcile(): Promise<void>;
  stop(): Promise<void>;
}

const orphanEveryMs = 3_600_000;
const removalsKeptMs = 30 * 24 * 3_600_000;

/** Compares documents, queues and blobs. */
export function openReconciler(ports: ReconcilerPorts): Reconciler {
  const { store, config, log, now } = ports;
  let orphansAtMs = 0;
  let timer: NodeJS.Timeout | undefined;
  let underWay: Promise<void> | undefined;
  const reconcile = async (): Promise<void> => {
    await reviveSilent(ports);
    if (now().getTime() - orphansAtMs < orphanEveryMs) return;
    orphansAtMs = now().getTime();
    await removeOrphans(ports);
    await store.sweepRemovals(new Date(now().getTime() - removalsKeptMs));
  };
  const look = (): void => {
    underWay ??= reconcile()
      .catch((err: unknown) => log.error({ err }, 'reconciling failed'))
      .finally(() => (underWay = undefined));
  };
  return {
    reconcile,
    start() {
      timer = setInterval(look, config.reconcileSeconds * 1000).unref();
      look();
    },
    async stop() {
      clearInterval(timer);
      await underWay;
    },
  };
}

/** Commands of jobs that should be under way; sent again they are at worst done twice. */
function missingCommands({ _id: assetId, plan, jobs, sent }: AssetDocument, now: Date): ReturnType<typeof command>[] {
  if (!plan) return [command(assetId, { jobId: 'probe', step: 'probe' }, now)];
  const due = [...openingJobs(plan), ...remainingJobs(plan).slice(0, sent)];
  return due.filter(({ jobId }) => !['done', 'dropped'].includes(jobs[jobId]?.state ?? '')).map((job) => command(assetId, job, now));
}

async function reviveSilent({ store, bus, publisher, config, log, now }: ReconcilerPorts): Promise<void> {
  const silent = await store.findSilent(new Date(now().getTime() - 2000 * config.reconcileSeconds));
  if (silent.length === 0) return;
  const queues = (await bus.depths()).filter(({ queue }) => queue === 'transcoding.asset.open' || queue === 'transcoding.asset.transcode');
  const isQueueEmpty = queues.every(({ waiting }) => waiting === 0);
  for (const { _id: assetId, plan } of silent) {
    if (isQueueEmpty) {
      log.warn({ assetId }, 'lost commands sent again');
      await store.change(assetId, (document) => ({
        update: { $set: { aliveAt: now().toISOString() } },
        events: isFinished(document) ? [] : missingCommands(document, now()),
      }));
    }
    if (plan) await publisher.settle(assetId, true);
  }
}

async function firstOf<T>(values: AsyncIterable<T>): Promise<T | undefined> {
  for await (const value of values) return value;
  return undefined;
}

/** One listing per asset: the first blob tells its id, the next search begins behind all of its blobs. */
async function removeOrphans({ store, blobs, config, log, now }: ReconcilerPorts): Promise<void> {
  for (let after = ''; ;) {
    const first = await firstOf(blobs.list('assets/', after === '' ? {} : { after }));
    const assetId = first?.key.split('/')[1];
    if (!first || assetId === undefined) return;
    const isOld = now().getTime() - Date.parse(first.modifiedAt) > config.graceSeconds * 1000;
    if (isOld && !(await store.find(assetId))) {
      const removed = await blobs.deletePrefix(assetPrefix(assetId));
      log.warn({ assetId, removed }, 'orphan blobs removed');
    }
    after = `assets/${assetId}0`; // '0' follows '/'
  }
}
