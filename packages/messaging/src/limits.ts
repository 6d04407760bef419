import type { SubscribeOptions } from './port.ts';

/** Longest `delayMs`, and longest wait before a retry with its jitter. */
const longestDelayMs = 3_600_000;

/** The numbers of a subscription, see `SubscribeOptions`. */
export type SubscribeLimits = Readonly<Required<Pick<SubscribeOptions, 'prefetch' | 'maxAttempts' | 'backoffMs' | 'maxBackoffMs'>>>;

/** Fills in the defaults. @throws {RangeError} when `prefetch` or `maxAttempts` is no whole number of at least 1, or a wait is out of range. */
export function subscribeLimits(options: SubscribeOptions): SubscribeLimits {
  const { prefetch = 8, maxAttempts = 8, backoffMs = 500, maxBackoffMs = 60_000 } = options;
  for (const [name, value] of Object.entries({ prefetch, maxAttempts })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number of at least 1, not ${value}`);
  }
  checkDelay('backoffMs', backoffMs);
  checkDelay('maxBackoffMs', maxBackoffMs * 1.2);
  return { prefetch, maxAttempts, backoffMs, maxBackoffMs };
}

/** @throws {RangeError} unless `delayMs` is from 0 to an hour. */
export function checkDelay(name: string, delayMs: number): void {
  if (!(delayMs >= 0 && delayMs <= longestDelayMs)) throw new RangeError(`${name} is 0 to ${longestDelayMs} milliseconds, not ${delayMs}`);
}
