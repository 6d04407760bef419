import { describe, expect, it } from '@jest/globals';
import { hasMoreQualities, offeredQualities, startPosition } from './choices.ts';

describe('offeredQualities', () => {
  it('puts the highest first and keeps the better of two equal ones', () => {
    const qualities = [
      { index: 0, linesPx: 240, bitrateBps: 300_000 },
      { index: 1, linesPx: 720, bitrateBps: 1_500_000 },
      { index: 2, linesPx: 720, bitrateBps: 2_500_000 },
    ];
    expect(offeredQualities(qualities).map(({ index }) => index)).toEqual([2, 0]);
  });
});

describe('startPosition', () => {
  it('goes on where the viewer stopped', () => {
    expect(startPosition(42, 100)).toBe(42);
  });
  it('starts over near the end and without a position', () => {
    expect(startPosition(95, 100)).toBe(0);
    expect(startPosition(0, 100)).toBe(0);
    expect(startPosition(Number.NaN, 100)).toBe(0);
  });
});

describe('hasMoreQualities', () => {
  it('notices the end of processing and each finished rendition', () => {
    expect(hasMoreQualities({ isReady: false, renditions: 1 }, { isReady: true, renditions: 1 })).toBe(true);
    expect(hasMoreQualities({ isReady: false, renditions: 1 }, { isReady: false, renditions: 2 })).toBe(true);
  });
  it('is content with what was loaded', () => {
    expect(hasMoreQualities({ isReady: true, renditions: 3 }, { isReady: true, renditions: 3 })).toBe(false);
  });
});
