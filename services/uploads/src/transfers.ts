/** Bodies that are arriving now, by upload. */

export interface Transfer {
  readonly signal: AbortSignal;
  /** Call with each piece that arrives. */
  heard(): void;
  end(): void;
}

export interface Transfers {
  begin(uploadId: string): Transfer;
  /** True when a transfer is under way and nothing has arrived for `stalledMs`. */
  isStalled(uploadId: string): boolean;
  /** Ends the transfer under way, if any; what has arrived is kept. */
  cancel(uploadId: string): void;
}

interface Entry {
  readonly abort: AbortController;
  heardAtMs: number;
}

/** No transfers yet. `now` gives milliseconds from any start. */
export function openTransfers(stalledMs: number, now: () => number): Transfers {
  const entries = new Map<string, Entry>();
  return {
    begin(uploadId) {
      const entry: Entry = { abort: new AbortController(), heardAtMs: now() };
      entries.set(uploadId, entry);
      return {
        signal: entry.abort.signal,
        heard: () => {
          entry.heardAtMs = now();
        },
        end: () => {
          if (entries.get(uploadId) === entry) entries.delete(uploadId);
        },
      };
    },
    isStalled(uploadId) {
      const entry = entries.get(uploadId);
      return entry !== undefined && now() - entry.heardAtMs >= stalledMs;
    },
    cancel: (uploadId) => entries.get(uploadId)?.abort.abort(),
  };
}
