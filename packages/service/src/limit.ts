import { LRUCache } from 'lru-cache';

export interface LimitOptions {
  /** Uses allowed within one window; 0 for no limit. */
  readonly max: number;
  readonly windowSeconds: number;
  readonly now: () => Date;
  /** Keys remembered; the least recently used are forgotten first. Default 20 000. */
  readonly keys?: number;
}

/** Counts uses per key in windows that start with the first use. Held in memory: each replica counts for itself. */
export interface Limit {
  /** Counts one use. Whole seconds until the next is allowed when there were too many, else undefined. */
  take(key: string): number | undefined;
  /** Uncounts one use, e.g. an attempt that succeeded. */
  giveBack(key: string): void;
}

/** A limit in bounded memory. */
export function openLimit({ max, windowSeconds, now, keys = 20_000 }: LimitOptions): Limit {
  const windows = new LRUCache<string, { uses: number; readonly endsAtMs: number }>({ max: keys });
  return {
    take(key) {
      if (max === 0) return undefined;
      const nowMs = now().getTime();
      const window = windows.get(key);
      if (!window || window.endsAtMs <= nowMs) {
        windows.set(key, { uses: 1, endsAtMs: nowMs + windowSeconds * 1000 });
        return undefined;
      }
      if (window.uses >= max) return Math.max(1, Math.ceil((window.endsAtMs - nowMs) / 1000));
      window.uses += 1;
      return undefined;
    },
    giveBack(key) {
      const window = windows.peek(key);
      if (window && window.uses > 0) window.uses -= 1;
    },
  };
}
