/** Repairs what a crash left, and removes what nobody needs. */
import type { Log } from '@kinora/service';
import type { Locks } from './locks.ts';
import type { SourceFiles } from './source-files.ts';
import type { Store, UploadDocument } from './store.ts';

export interface UpkeepOptions {
  readonly store: Store;
  readonly files: SourceFiles;
  readonly locks: Locks;
  readonly log: Log;
  readonly now: () => Date;
  readonly everyMs: number;
}

export interface Upkeep {
  /** Completes what has all its bytes, removes what has expired and files without a record. */
  run(): Promise<void>;
  /** Repeats `run` until stopped. */
  start(): void;
  /** Waits for a run under way. */
  stop(): Promise<void>;
}

const expiredBatch = 100;
/** A file is made just before its record; only one much older has lost it. */
const orphanAgeMs = 3_600_000;

/** An upload that was killed between its last byte and its record. Unverified bytes wait for the client, who was told nothing of them. */
async function completeFinished(
  { store, files, locks }: UpkeepOptions,
  { _id, lengthBytes, verifiedBytes }: UploadDocument,
): Promise<void> {
  if (verifiedBytes !== undefined || (await files.offset(_id)) !== lengthBytes) return;
  await locks.whileHeld(_id, false, async () => {
    const upload = await store.find(_id);
    if (upload && upload.verifiedBytes === undefined && (await files.offset(_id)) === lengthBytes) await store.complete(_id);
  });
}

/** Removes uploads whose time is over, but none that is receiving bytes. */
async function removeExpired({ store, files, locks }: UpkeepOptions): Promise<void> {
  for (const { _id, lengthBytes } of await store.expired(expiredBatch)) {
    await locks.whileHeld(_id, false, async () => {
      if ((await files.offset(_id)) !== lengthBytes) await store.remove(_id);
    });
  }
}

/** Upkeep of uploads; nothing runs before `start` or `run`. */
export function openUpkeep(options: UpkeepOptions): Upkeep {
  const { store, files, log, now, everyMs } = options;
  let running: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  const runOnce = async (): Promise<void> => {
    for await (const upload of store.open()) await completeFinished(options, upload);
    await removeExpired(options);
    for await (const uploadId of files.olderThan(now().getTime() - orphanAgeMs))
      if (!(await store.find(uploadId))) await files.remove(uploadId);
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
