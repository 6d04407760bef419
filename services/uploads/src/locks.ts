/** One request at a time per upload, within this process. */
import { Problem } from '@kinora/contracts';
import type { Lock, Locker } from '@tus/server';
import type { Transfers } from './transfers.ts';

export interface LocksOptions {
  /** How long a request waits for the one before it, which may be ending just now. */
  readonly waitMs: number;
  readonly transfers: Transfers;
}

export interface Locks extends Locker {
  newLock(uploadId: string): Lock;
  /** Runs `work` while nobody else has the upload; with `force` a transfer under way is ended for it. Undefined when the upload stays in use. */
  whileHeld<T>(uploadId: string, force: boolean, work: () => Promise<T>): Promise<T | undefined>;
}

interface Holder {
  readonly released: Promise<void>;
  readonly release: () => void;
}

const within = async (released: Promise<void>, waitMs: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  await Promise.race([released, promise]);
  clearTimeout(timer);
};

type Take = (uploadId: string, force: boolean) => Promise<Holder | undefined>;

function taker({ waitMs, transfers }: LocksOptions): Take {
  const holders = new Map<string, Holder>();
  const put = (uploadId: string): Holder => {
    const { promise: released, resolve } = Promise.withResolvers<void>();
    const own: Holder = {
      released,
      release: () => {
        if (holders.get(uploadId) === own) holders.delete(uploadId);
        resolve();
      },
    };
    holders.set(uploadId, own);
    return own;
  };
  return async (uploadId, force) => {
    const deadline = performance.now() + waitMs;
    for (let holder = holders.get(uploadId); holder; holder = holders.get(uploadId)) {
      const left = deadline - performance.now();
      if (left <= 0) return undefined;
      if (force || transfers.isStalled(uploadId)) transfers.cancel(uploadId);
      await within(holder.released, left);
    }
    return put(uploadId);
  };
}

/** Locks in memory. A second request waits a moment and is then refused, unless the first has stalled: then that one is ended. */
export function openLocks(options: LocksOptions): Locks {
  const take = taker(options);
  return {
    newLock(uploadId) {
      let held: Holder | undefined;
      return {
        async lock() {
          held = await take(uploadId, false);
          if (!held) throw new Problem('upload-locked', { detail: 'Another request is sending to this upload.' });
        },
        unlock() {
          held?.release();
          return Promise.resolve();
        },
      };
    },
    async whileHeld(uploadId, force, work) {
      const held = await take(uploadId, force);
      return held && work().finally(held.release);
    },
  };
}
