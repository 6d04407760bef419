/** Bodies that are arriving now, by upload. */

export interface Transfer {
  readonly signal: AbortSignal;
  /** Call with each piece that arrives. */
  heard(): void;
  /** Call when the store begins to take what has arrived, and when it has: the client is not heard meanwhile. */
  storing(isStoring: boolean): void;
  end(): void;
}

export interface Transfers {
  begin(uploadId: string): Transfer;
  /** True when a transfer is under way and its client has been silent for too long, or its store. */
  isStalled(uploadId: string): boolean;
  /** Ends the transfer under way, if any; what has arrived is kept. */
  cancel(uploadId: string): void;
}

interface Entry {
  readonly abort: AbortController;
  heardAtMs: number;
  isStoring: boolean;
}

export interface TransfersOptions {
  /** A client that has sent nothing for so long has stalled. */
  readonly stalledMs: number;
  /** A store that has not taken what arrived for so long has. */
  readonly storeStalledMs: number;
  /** Milliseconds from any start. */
  readonly now: () => number;
}

/** No transfers yet. */
export function openTransfers({ stalledMs, storeStalledMs, now }: TransfersOptions): Transfers {
  const entries = new Map<string, Entry>();
  return {
    begin(uploadId) {
      const entry: Entry = { abort: new AbortController(), heardAtMs: now(), isStoring: false };
      entries.set(uploadId, entry);
      return {
        signal: entry.abort.signal,
        heard: () => {
          entry.heardAtMs = now();
        },
        storing: (isStoring) => {
          entry.isStoring = isStoring;
          entry.heardAtMs = now();
        },
        end: () => {
          if (entries.get(uploadId) === entry) entries.delete(uploadId);
        },
      };
    },
    isStalled(uploadId) {
      const entry = entries.get(uploadId);
      return entry !== undefined && now() - entry.heardAtMs >= (entry.isStoring ? storeStalledMs : stalledMs);
    },
    cancel: (uploadId) => entries.get(uploadId)?.abort.abort(),
  };
}
