/** When a failed delivery comes back. */
export interface BackoffOptions {
  /** Wait after the first attempt. */
  readonly backoffMs: number;
  /** Longest wait, before jitter. */
  readonly maxBackoffMs: number;
}

/** Milliseconds to wait after delivery `attempt` (from 1) has failed: doubled each time, capped, ±20 % by `random` (0 ≤ r < 1). */
export function backoffDelayMs(attempt: number, { backoffMs, maxBackoffMs }: BackoffOptions, random = Math.random()): number {
  const wait = Math.min(maxBackoffMs, backoffMs * 2 ** Math.min(attempt - 1, 50));
  return Math.round(wait * (0.8 + 0.4 * random));
}
