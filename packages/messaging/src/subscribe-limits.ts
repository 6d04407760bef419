import type { SubscribeOptions } from './port.ts';

/** The numbers of a subscription, see `SubscribeOptions`. */
export type SubscribeLimits = Readonly<Required<Pick<SubscribeOptions, 'prefetch' | 'maxAttempts' | 'backoffMs' | 'maxBackoffMs'>>>;

/** Fills in the defaults. @throws {RangeError} when `prefetch` or `maxAttempts` is no whole number of at least 1. */
export function subscribeLimits(options: SubscribeOptions): SubscribeLimits {
  const { prefetch = 8, maxAttempts = 8, backoffMs = 500, maxBackoffMs = 60_000 } = options;
  for (const [name, value] of Object.entries({ prefetch, maxAttempts })) {
    if (!Number.isSafeInteger(value) || value < 1) throw new RangeError(`${name} must be a whole number of at least 1, not ${value}`);
  }
  return { prefetch, maxAttempts, backoffMs, maxBackoffMs };
}
