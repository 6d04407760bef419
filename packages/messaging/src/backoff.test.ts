import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { backoffDelayMs } from './backoff.ts';

describe('backoffDelayMs', () => {
  it('doubles with each attempt up to the longest wait', () => {
    const waits = [1, 2, 3, 4, 5].map((attempt) => backoffDelayMs(attempt, { backoffMs: 500, maxBackoffMs: 3_000 }, 0.5));
    expect(waits).toEqual([500, 1_000, 2_000, 3_000, 3_000]);
  });

  it('stays within 20 % of that, for any attempt and any chance', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), (attempt, random) => {
        const wait = backoffDelayMs(attempt, { backoffMs: 100, maxBackoffMs: 60_000 }, random);
        const middle = Math.min(60_000, 100 * 2 ** (attempt - 1));
        expect(Math.abs(wait - middle)).toBeLessThanOrEqual(middle * 0.2 + 1);
      }),
    );
  });
});
