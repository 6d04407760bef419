import { BlobNotFoundError, BlobStoreError, StorageFullError, type Blobs } from '@kinora/blobs';
import { assetPrefix, type FailureReason } from '@kinora/contracts';
import { NonRetryableError, type Change } from '@kinora/messaging';
import type { Log } from '@kinora/service';
import { foldOutputs, isOver, type AssetDocument, type JobRecord } from './asset.ts';
import type { Config } from './config.ts';
import type { ProbeSource } from './ffprobe.ts';
import { furthest, type Output } from './output.ts';
import { SegmentTooLongError } from './packager.ts';
import { jobsOf, planAsset, remainingJobs, withoutRemux, type Job, type Plan } from './plan.ts';
import { UnusableSourceError, type Probe } from './probe.ts';
import { announce, type Publisher } from './publisher.ts';
import { withSource } from './source.ts';
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
      const work = runJob(ports, assetId, jobId, AbortSignal.any([signal, controller.signal, stopped.signal]), controller).finally(() =>
        removeRemains(ports, assetId),
      );
      underWay.set(key, { controller, ended: work.catch(() => undefined) });
      await work.finally(() => underWay.delete(key));
    },
    cancel(assetId) {
      for (const [key, { controller }] of underWay) if (key.startsWith(`${assetId}/`)) controller.abort();
    },
    stop: () => stopped.abort(),
  };
}

/** Whoever works on an asset while another replica removes it may store blobs behind that one's back. */
async function removeRemains({ store, blobs }: RunnerPorts, assetId: string): Promise<void> {
  if (!(await store.find(assetId))) await blobs.deletePrefix(assetPrefix(assetId));
}

async function runJob(ports: RunnerPorts, assetId: string, jobId: string, signal: AbortSignal, controller: AbortController): Promise<void> {
  const { store, publisher, now } = ports;
  const document = await store.find(assetId);
  if (!document || document.state === 'failed' || document.state === 'ready') return;
  if (jobId === 'probe') return document.plan ? undefined : probeSource(ports, document, signal);
  const job = document.plan && jobsOf(document.plan).find((candidate) => candidate.jobId === jobId);
  if (!job) return;
  const startedAt = now().toISOString();
  const begun = await store.change(assetId, ({ jobs }) =>
    isOver(jobs[jobId])
      ? undefined
      : { update: { $set: { [`jobs.${jobId}`]: { failures: 0, ...jobs[jobId], state: 'running', startedAt }, aliveAt: startedAt } } },
  );
  const started = begun?.jobs[jobId];
  if (!begun || !started) return;
  if (isOver(started)) return publisher.settle(assetId);
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
    if (signal.aborted || isStoreAtFault(error)) throw error;
    await failJob(ports, assetId, job, error);
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
  return withSource(blobs, sourceKey, signal, (source) => work({ assetId, job, plan, probe, ...source, onOutput }));
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
    const after = await store.change(assetId, ({ jobs }) => {
      if (jobs[jobId]?.state !== 'running') return undefined;
      return { update: { $set: { [`jobs.${jobId}.outputs`]: furthest(jobs[jobId].outputs, outputs) } } };
    });
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
    isOver(document.jobs[job.jobId]) ? undefined : recordEnd(document, job, record, config, now()),
  );
}

/** True when the blob store and not the job has failed: the job is tried again for as long as that lasts. */
const isStoreAtFault = (error: unknown): boolean => error instanceof StorageFullError || error instanceof BlobStoreError;

/** Counts a failure: the job is tried again, or dropped when it has had its chances, or planned anew when only encoding can do it. */
async function failJob({ store, config, log, now }: RunnerPorts, assetId: string, job: Job, error: unknown): Promise<void> {
  const { jobId } = job;
  if (job.step === 'remux' && error instanceof SegmentTooLongError) return encodeInstead(store, assetId, job, config, now());
  const isFatal = error instanceof NonRetryableError || error instanceof BlobNotFoundError;
  const message = (error instanceof Error ? error.message : String(error)).slice(0, 500);
  const after = await store.change(assetId, (document) => {
    const before = document.jobs[jobId];
    // Another replica has been luckier with the same job.
    if (!before || isOver(before)) return undefined;
    const failures = before.failures + 1;
    const failed: JobRecord = { ...before, failures, error: message };
    if (!isFatal && failures < config.failures) return { update: { $set: { [`jobs.${jobId}`]: failed } } };
    return recordEnd(document, job, { ...failed, state: 'dropped', endedAt: now().toISOString() }, config, now());
  });
  const record = after?.jobs[jobId];
  if (record?.state === 'running') throw error;
  if (record?.state === 'dropped') log.error({ err: error, assetId, jobId, attempt: record.failures }, 'job dropped');
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
async function probeSource(ports: RunnerPorts, document: AssetDocument, signal: AbortSignal): Promise<void> {
  const { store, blobs, probe, config, log, now } = ports;
  const { _id: assetId, sourceKey } = document;
  try {
    const facts = await withSource(blobs, sourceKey, signal, (source) => probe(source.location, source.signal));
    if (facts.durationSeconds > config.maxDurationSeconds)
      throw new UnusableSourceError('too-long', `the source lasts ${facts.durationSeconds} s`);
    await store.change(assetId, (fresh) => planned(fresh, facts, config, now()));
  } catch (error) {
    if (signal.aborted || isStoreAtFault(error)) throw error;
    const reason = error instanceof UnusableSourceError ? error.reason : error instanceof BlobNotFoundError ? 'source-missing' : undefined;
    const failed = await store.change(assetId, (fresh) => failedProbe(fresh, reason, config, now()));
    if (failed?.state !== 'failed' && !failed?.plan) throw error;
    if (failed.state === 'failed') log.warn({ err: error, assetId, problem: failed.failure }, 'source refused');
  }
}

function planned(document: AssetDocument, facts: Probe, config: Config, now: Date): Change | undefined {
  if (document.plan) return undefined;
  const plan = planAsset(facts, config);
  const plannedAt = now.toISOString();
  const told = announce({ ...document, probe: facts, plan, plannedAt, progressedAt: new Date(0).toISOString() }, 'processing', now);
  return {
    update: { $set: { ...told?.update.$set, probe: facts, plan, plannedAt, aliveAt: plannedAt } },
    events: [...openingCommands(document._id, plan, now), ...(told?.events ?? [])],
  };
}

function failedProbe(document: AssetDocument, reason: FailureReason | undefined, config: Config, now: Date): Change | undefined {
  // Another replica has been luckier.
  if (document.plan || document.state === 'failed') return undefined;
  const failures = (document.jobs.probe?.failures ?? 0) + 1;
  const final = reason ?? (failures >= config.failures ? 'unreadable' : undefined);
  if (final) return announce({ ...document, failure: final }, 'failed', now);
  return { update: { $set: { 'jobs.probe': { state: 'running', failures, startedAt: document.createdAt } } } };
}
