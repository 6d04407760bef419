/** One request at a time per upload: in memory within this process, by leases among replicas. */
import { Problem } from '@kinora/contracts';
import type { Lock, Locker } from '@tus/server';
import { exchanges } from './exchange.ts';
import type { Lease, Leases } from './leases.ts';
import type { Transfers } from './transfers.ts';

export interface LocksOptions {
  readonly transfers: Transfers;
  readonly leases: Leases;
  /** How long a request waits for one of this process before it, which may be ending just now. */
  readonly waitMs: number;
  /** How long it waits for a replica, which answers with its next beat. */
  readonly replicaWaitMs: number;
}

export interface Locks extends Locker {
  newLock(uploadId: string): Lock;
  /** Runs `work` while nobody else has the upload; with `force` a transfer under way is ended for it. Undefined when the upload stays in use. */
  whileHeld<T>(uploadId: string, force: boolean, work: (lease: Lease) => Promise<T>): Promise<T | undefined>;
}

interface Holder {
  readonly released: Promise<void>;
  readonly release: () => void;
}

interface Held {
  readonly lease: Lease;
  release(): Promise<void>;
}

const within = async (released: Promise<void>, waitMs: number): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  await Promise.race([released, promise]);
  clearTimeout(timer);
};

/** Keeps requests of this process apart. Undefined when the upload stays in use. */
function localTaker({ waitMs, transfers }: LocksOptions): (uploadId: string, force: boolean) => Promise<Holder | undefined> {
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

function taker(options: LocksOptions): (uploadId: string, force: boolean) => Promise<Held | undefined> {
  const takeLocally = localTaker(options);
  return async (uploadId, force) => {
    const local = await takeLocally(uploadId, force);
    if (!local) return undefined;
    try {
      const lease = await options.leases.take(uploadId, force, options.replicaWaitMs);
      if (lease) return { lease, release: () => lease.release().finally(local.release) };
    } catch (error) {
      local.release();
      throw error;
    }
    local.release();
    return undefined;
  };
}

/** A second request waits a moment and is then refused, unless the first has stalled: then that one is ended. */
export function openLocks(options: LocksOptions): Locks {
  const take = taker(options);
  return {
    newLock(uploadId) {
      const exchange = exchanges.getStore();
      let held: Held | undefined;
      return {
        async lock() {
          held = await take(uploadId, false);
          if (!held) throw new Problem('upload-locked', { detail: 'Another request is sending to this upload.' });
          if (exchange) exchange.lease = held.lease;
        },
        async unlock() {
          if (exchange) exchange.lease = undefined;
          await held?.release();
        },
      };
    },
    async whileHeld(uploadId, force, work) {
      const held = await take(uploadId, force);
      return held && work(held.lease).finally(() => held.release());
    },
  };
}
