import { describe, expect, it } from '@jest/globals';
import { addSample, rateOf, secondsLeft, type Sample } from './transfer-rate.ts';

const collect = (samples: readonly Sample[]): readonly Sample[] => samples.reduce(addSample, [] as readonly Sample[]);

describe('rateOf', () => {
  it('measures over the last seconds only', () => {
    const samples = collect([
      { atMs: 0, bytes: 0 },
      { atMs: 10_000, bytes: 1_000 },
      { atMs: 12_000, bytes: 5_000 },
    ]);
    expect(rateOf(samples)).toBe(2_000);
  });
  it('says nothing until there is enough to measure', () => {
    expect(rateOf([])).toBeUndefined();
    expect(
      rateOf(
        collect([
          { atMs: 0, bytes: 0 },
          { atMs: 500, bytes: 9 },
        ]),
      ),
    ).toBeUndefined();
  });
  it('starts anew when the server had stored less than was sent', () => {
    expect(
      collect([
        { atMs: 0, bytes: 900 },
        { atMs: 2_000, bytes: 100 },
      ]),
    ).toEqual([{ atMs: 2_000, bytes: 100 }]);
  });
});

describe('secondsLeft', () => {
  it('divides what is left by the rate', () => {
    expect(secondsLeft(1_000, 5_000, 2_000)).toBe(2);
  });
  it('promises nothing while nothing moves', () => {
    expect(secondsLeft(1_000, 5_000, 0)).toBeUndefined();
    expect(secondsLeft(1_000, 5_000, undefined)).toBeUndefined();
  });
});
