import { describe, expect, it } from '@jest/globals';
import { firstScore, viewedScore } from './order.ts';

const day = 24 * 3_600_000;
const now = Date.parse('2026-11-23T00:00:00.000Z');
const viewedTimes = (times: number, atMs: number): number => {
  let score = firstScore(atMs);
  for (let i = 0; i < times; i++) score = viewedScore(score, atMs);
  return score;
};

describe('viewedScore', () => {
  it('puts ten views of today above fifteen of two days ago, and below thirty', () => {
    expect(viewedTimes(10, now)).toBeGreaterThan(viewedTimes(15, now - 2 * day));
    expect(viewedTimes(10, now)).toBeLessThan(viewedTimes(30, now - 2 * day));
  });

  it('gives the same for views in any order', () => {
    const forward = viewedScore(viewedScore(firstScore(now), now + day), now + 2 * day);
    const backward = viewedScore(viewedScore(firstScore(now), now + 2 * day), now + day);
    expect(forward).toBeCloseTo(backward, 9);
  });

  it('lets a new video without views stand above an old one without views', () => {
    expect(firstScore(now)).toBeGreaterThan(firstScore(now - day));
  });
});
