import { BlobNotFoundError, StorageFullError, type Blobs } from '@kinora/blobs';
import type { FailureReason } from '@kinora/contracts';
import { NonRetryableError, type Change } from '@kinora/messaging';
import type { Log } from '@kinora/service';
import { foldOutputs, type AssetDocument, type JobRecord } from './asset.ts';
import type { Config } from './config.ts';
import type { ProbeSource } from './ffprobe.ts';
import type { Output } from './output.ts';
import { SegmentTooLongError } from './packager.ts';
import { jobsOf, planAsset, remainingJobs, withoutRemux, type Job, type Plan } from './plan.ts';
import { UnusableSourceError } from './probe.ts';
import { announce, type Publisher } from './publisher.ts';
import type { DoJob } from './steps.ts';
import { command, openingCommands, type Store } from './store.ts';

/** Does the jobs that commands name, once at a time each in this process. */
export interface Runner {
  /** Resolves when the job is done, dropped or needless; throws when it shall be tried again. */
  run(assetId: string, jobId: string, signal: AbortSignal): Promise<void>;
  /** Stops the jobs of an asset that is gone. */
  cancel(assetId: string): void;
  /** Stops everything; commands come back to whoever takes them next. */
  stop(): void;
}

export interface RunnerPorts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly publisher: Publisher;
  readonly probe: ProbeSource;
  readonly doJob: DoJob;
  readonly config: Config;
  readonly log: Log;
  readonly now: () => Date;
}

const heartbeatMs = 10_000;
const flushMs = 1_000;

/** The rest is sent when the first opening job has ended, so that nothing competes with what somebody waits for: jobs to send now so that `windowJobs` of the remaining ones are under way, and how many have been sent then. */
export function nextJobs(
  plan: Plan,
  records: AssetDocument['jobs'],
  sent: number,
  windowJobs: number,
): { sent: number; jobs: readonly Job[] } {
  const remaining = remainingJobs(plan);
  const underWay = remaining.slice(0, sent).filter(({ jobId }) => !['done', 'dropped'].includes(records[jobId]?.state ?? 'waiting')).length;
  const jobs = remaining.slice(sent, sent + Math.max(0, windowJobs - underWay));
  return { sent: sent + jobs.length, jobs };
}

export function openRunner(ports: RunnerPorts): Runner {
  const underWay = new Map<string, { readonly controller: AbortController; readonly ended: Promise<void> }>();
  const stopped = new AbortController();
  return {
    async run(assetId, jobId, signal) {
      stopped.signal.throwIfAborted();
      const key = `${assetId}/${jobId}`;
      for (let other = underWay.get(key); other; other = underWay.get(key)) await other.ended;
      const controller = new AbortController();
      const work = runJob(ports, assetId, jobId, AbortSignal.any([signal, controller.signal, stopped.signal]), controller);
      underWay.set(key, { controller, ended: work.catch(() => undefined) });
      await work.finally(() => underWay.delete(key));
    },
    cancel(assetId) {
      for (const [key, { controller }] of underWay) if (key.startsWith(`${assetId}/`)) controller.abort();
    },
    stop: () => stopped.abort(),
  };
}

async function runJob(ports: RunnerPorts, assetId: string, jobId: string, signal: AbortSignal, controller: AbortController): Promise<void> {
  const { store, publisher, now } = ports;
  const document = await store.find(assetId);
  if (!document || document.state === 'failed' || document.state === 'ready') return;
  if (jobId === 'probe') return document.plan ? undefined : probeSource(ports, document, signal);
  const job = document.plan && jobsOf(document.plan).find((candidate) => candidate.jobId === jobId);
  if (!job) return;
  if (['done', 'dropped'].includes(document.jobs[jobId]?.state ?? '')) return publisher.settle(assetId);
  const started: JobRecord = {
    ...document.jobs[jobId],
    state: 'running',
    failures: document.jobs[jobId]?.failures ?? 0,
    startedAt: now().toISOString(),
  };
  const begun = await store.change(assetId, () => ({ update: { $set: { [`jobs.${jobId}`]: started, aliveAt: started.startedAt } } }));
  if (!begun) return;
  const flusher = openFlusher(ports, assetId, jobId, controller);
  const heartbeat = setInterval(
    () =>
      void store.keepAlive(assetId).then(
        (isThere) => isThere || controller.abort(),
        () => undefined,
      ),
    heartbeatMs,
  );
  try {
    const outputs = await doJob(ports, begun, job, signal, flusher.add);
    await flusher.end();
    await finishJob(ports, assetId, job, { ...started, state: 'done', endedAt: now().toISOString(), outputs });
  } catch (error) {
    await flusher.end();
    if (signal.aborted || error instanceof StorageFullError) throw error;
    await failJob(ports, assetId, job, started, error);
  } finally {
    clearInterval(heartbeat);
  }
  await publisher.settle(assetId);
}

async function doJob(
  { blobs, doJob: work }: RunnerPorts,
  { _id: assetId, sourceKey, plan, probe }: AssetDocument,
  job: Job,
  signal: AbortSignal,
  onOutput: (renditionId: string, output: Output) => void,
): ReturnType<DoJob> {
  if (!plan || !probe) throw new NonRetryableError('the asset has no plan');
  return work({ assetId, job, plan, probe, location: await blobs.locate(sourceKey), signal, onOutput });
}

/** Notes what a running job has stored, at once for the first segments, then about once a second. */
function openFlusher(
  { store, publisher, log }: RunnerPorts,
  assetId: string,
  jobId: string,
  controller: AbortController,
): { add: (renditionId: string, output: Output) => void; end: () => Promise<void> } {
  const outputs: Record<string, Output> = {};
  let flushing: Promise<void> | undefined;
  let isDirty = false;
  let nextAtMs = 0;
  const flush = async (): Promise<void> => {
    isDirty = false;
    nextAtMs = performance.now() + flushMs;
    const after = await store.change(assetId, () => ({ update: { $set: { [`jobs.${jobId}.outputs`]: { ...outputs } } } }));
    if (!after) return controller.abort();
    await publisher.settle(assetId);
  };
  const start = (): void => {
    flushing = flush()
      .catch((err: unknown) => log.warn({ err, assetId, jobId }, 'progress could not be noted'))
      .finally(() => {
        flushing = undefined;
        if (isDirty && performance.now() >= nextAtMs) start();
      });
  };
  return {
    add(renditionId, output) {
      const isFirst = !(renditionId in outputs);
      outputs[renditionId] = output;
      isDirty = true;
      if (!flushing && (isFirst || performance.now() >= nextAtMs)) start();
    },
    async end() {
      isDirty = false;
      while (flushing) await flushing;
    },
  };
}

/** The change that records an ended job, moves its segments to their renditions and sends the next jobs. */
function recordEnd(document: AssetDocument, job: Job, record: JobRecord, config: Config, now: Date): Change | undefined {
  const { plan } = document;
  if (!plan) return undefined;
  const { jobs, renditions } = foldOutputs({ ...document, jobs: { ...document.jobs, [job.jobId]: record } });
  const next = nextJobs(plan, jobs, document.sent, config.windowJobs);
  return {
    update: { $set: { jobs, renditions, sent: next.sent, aliveAt: now.toISOString() } },
    events: next.jobs.map((each) => command(document._id, each, now)),
  };
}

async function finishJob({ store, config, now }: RunnerPorts, assetId: string, job: Job, record: JobRecord): Promise<void> {
  await store.change(assetId, (document) =>
    document.jobs[job.jobId]?.state === 'done' ? undefined : recordEnd(document, job, record, config, now()),
  );
}

/** Counts a failure: the job is tried again, or dropped when it has had its chances, or planned anew when only encoding can do it. */
async function failJob(
  { store, config, log, now }: RunnerPorts,
  assetId: string,
  job: Job,
  started: JobRecord,
  error: unknown,
): Promise<void> {
  if (job.step === 'remux' && error instanceof SegmentTooLongError) return encodeInstead(store, assetId, job, config, now());
  const failures = started.failures + 1;
  const isLast = failures >= config.failures || error instanceof NonRetryableError || error instanceof BlobNotFoundError;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 500);
  const record: JobRecord = { ...started, failures, error: message, ...(isLast ? { state: 'dropped', endedAt: now().toISOString() } : {}) };
  await store.change(assetId, (document) =>
    isLast ? recordEnd(document, job, record, config, now()) : { update: { $set: { [`jobs.${job.jobId}`]: record } } },
  );
  if (!isLast) throw error;
  log.error({ err: error, assetId, jobId: job.jobId, attempt: failures }, 'job dropped');
}

async function encodeInstead(store: Store, assetId: string, job: Job, config: Config, now: Date): Promise<void> {
  await store.change(assetId, (document) => {
    if (!document.plan?.remux) return undefined;
    const plan = withoutRemux(document.plan);
    const kept = remainingJobs(plan).findIndex(({ jobId }) => jobId.startsWith('top-'));
    const { [job.jobId]: _, ...jobs } = document.jobs;
    const next = nextJobs(plan, jobs, Math.min(document.sent, kept), config.windowJobs);
    return { update: { $set: { plan, jobs, sent: next.sent } }, events: next.jobs.map((each) => command(assetId, each, now)) };
  });
}

/** Probes the source and plans the asset, or says why it can never be watched. */
async function probeSource(
  { store, blobs, probe, config, log, now }: RunnerPorts,
  { _id: assetId, sourceKey }: AssetDocument,
  signal: AbortSignal,
): Promise<void> {
  try {
    const facts = await probe(await blobs.locate(sourceKey), signal);
    if (facts.durationSeconds > config.maxDurationSeconds)
      throw new UnusableSourceError('too-long', `the source lasts ${facts.durationSeconds} s`);
    const plan = planAsset(facts, config);
    const at = now();
    await store.change(assetId, (document) => {
      if (document.plan) return undefined;
      const planned = { ...document, probe: facts, plan, plannedAt: at.toISOString(), progressedAt: document.createdAt };
      const told = announce({ ...planned, progressedAt: new Date(0).toISOString() }, 'processing', at);
      const set = { probe: facts, plan, plannedAt: planned.plannedAt, aliveAt: planned.plannedAt };
      return {
        update: { $set: { ...told?.update.$set, ...set } },
        events: [...openingCommands(assetId, plan, at), ...(told?.events ?? [])],
      };
    });
  } catch (error) {
    if (signal.aborted) throw error;
    const reason = error instanceof UnusableSourceError ? error.reason : error instanceof BlobNotFoundError ? 'source-missing' : undefined;
    const failed = await failProbe(store, assetId, reason, config, now());
    if (failed?.state !== 'failed') throw error;
    log.warn({ err: error, assetId, problem: failed.failure }, 'source refused');
  }
}

const failProbe = (
  store: Store,
  assetId: string,
  reason: FailureReason | undefined,
  config: Config,
  now: Date,
): Promise<AssetDocument | undefined> =>
  store.change(assetId, (document) => {
    const failures = (document.jobs.probe?.failures ?? 0) + 1;
    const final = reason ?? (failures >= config.failures ? 'unreadable' : undefined);
    if (final) return announce({ ...document, failure: final }, 'failed', now);
    return { update: { $set: { 'jobs.probe': { state: 'running', failures, startedAt: document.createdAt } } } };
  });
