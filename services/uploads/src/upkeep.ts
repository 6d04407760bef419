/** Repairs what a crash left, and removes what nobody needs. */
import type { Growing } from '@kinora/blobs';
import type { Log } from '@kinora/service';
import type { Locks } from './locks.ts';
import { growingOf, uploadIdOf, sources, type Store, type UploadDocument } from './store.ts';

export interface UpkeepOptions {
  readonly store: Store;
  readonly growing: Growing;
  readonly locks: Locks;
  readonly log: Log;
  readonly now: () => Date;
  readonly everyMs: number;
}

export interface Upkeep {
  /** Completes what has all its bytes, removes what has expired; at first and once an hour also bytes without a record. */
  run(): Promise<void>;
  /** Repeats `run` until stopped. */
  start(): void;
  /** Waits for a run under way. */
  stop(): Promise<void>;
}

const expiredBatch = 100;
/** Bytes come just before their record; only what is much older has lost it. */
const orphanAgeMs = 3_600_000;

/** An upload that was killed between its last byte and its record. */
async function completeFinished({ store, growing, locks }: UpkeepOptions, upload: UploadDocument): Promise<void> {
  const isFinished = async (of: UploadDocument): Promise<boolean> => (await growing.offset(growingOf(of), 'record')) === of.lengthBytes;
  if (!(await isFinished(upload))) return;
  await locks.whileHeld(upload._id, false, async () => {
    const now = await store.find(upload._id);
    if (now && (await isFinished(now))) await store.complete(now._id);
  });
}

/** Removes an upload whose time is over, but none that is receiving bytes. */
async function removeExpired({ store, growing, locks }: UpkeepOptions, uploadId: string): Promise<void> {
  await locks.whileHeld(uploadId, false, async () => {
    const upload = await store.find(uploadId);
    if (upload && (await growing.offset(growingOf(upload), 'record')) !== upload.lengthBytes) await store.remove(uploadId);
  });
}

/** Removes what belongs to no record, and what is left beside a finished source. */
async function removeOrphans({ store, growing, now }: UpkeepOptions): Promise<void> {
  for await (const { key, isBlob } of growing.remains(sources, now().getTime() - orphanAgeMs)) {
    const upload = await store.find(uploadIdOf(key));
    if (!upload) await growing.remove(key);
    else if (!isBlob && upload.state === 'completed') await growing.tidy(key);
  }
}

/** Upkeep of uploads; nothing runs before `start` or `run`. */
export function openUpkeep(options: UpkeepOptions): Upkeep {
  const { store, log, everyMs, now } = options;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let orphansAtMs = 0;
  /** What cannot be done for one upload now is no reason to leave the others, or not to start. */
  const attempt = (uploadId: string, work: Promise<unknown>): Promise<unknown> =>
    work.catch((err: unknown) => log.error({ err, uploadId }, 'upkeep of an upload failed'));
  const runOnce = async (): Promise<void> => {
    for await (const upload of store.open()) await attempt(upload._id, completeFinished(options, upload));
    for (const { _id } of await store.expired(expiredBatch)) await attempt(_id, removeExpired(options, _id));
    if (now().getTime() < orphansAtMs) return;
    orphansAtMs = now().getTime() + orphanAgeMs;
    await removeOrphans(options);
  };
  const run = (): Promise<void> => (running ??= runOnce().finally(() => (running = undefined)));
  return {
    run,
    start() {
      timer = setInterval(() => void run().catch((err: unknown) => log.error({ err }, 'upkeep failed')), everyMs).unref();
    },
    async stop() {
      clearInterval(timer);
      await running?.catch(() => undefined);
    },
  };
}
