/** Pages that are the same for everybody, kept for a moment. */

const maxPages = 500;

export interface PageCache {
  /** The page under `key`, at most `maxAgeMs` old; those who ask meanwhile share one reading. */
  get(key: string, read: () => Promise<string>): Promise<string>;
  /** Forgets every page, those being read included: something listed has changed. */
  clear(): void;
}

interface Entry {
  readonly readAtMs: number;
  readonly page: Promise<string>;
}

/**
 * A cache whose pages are exact within this process, because every write here clears it, and at most `maxAgeMs` behind
 * what other replicas write.
 */
export function openPageCache(maxAgeMs: number, now: () => number): PageCache {
  const entries = new Map<string, Entry>();
  return {
    get(key, read) {
      const known = entries.get(key);
      const atMs = now();
      if (known && atMs - known.readAtMs < maxAgeMs && atMs >= known.readAtMs) return known.page;
      if (entries.size >= maxPages) entries.clear();
      const entry = { readAtMs: atMs, page: read() };
      entries.set(key, entry);
      entry.page.catch(() => entries.get(key) === entry && entries.delete(key));
      return entry.page;
    },
    clear: () => entries.clear(),
  };
}
