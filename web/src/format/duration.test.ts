import { describe, expect, it } from '@jest/globals';
import { formatClock, isoDuration } from './duration.ts';

describe('formatClock', () => {
  it('writes minutes without and seconds with a leading zero', () => {
    expect(formatClock(7)).toBe('0:07');
    expect(formatClock(754)).toBe('12:34');
  });
  it('writes hours only when there are some', () => {
    expect(formatClock(3599)).toBe('59:59');
    expect(formatClock(3723)).toBe('1:02:03');
  });
  it('carries a rounded second into the next minute', () => {
    expect(formatClock(59.6)).toBe('1:00');
  });
  it('shows zero for what is no duration', () => {
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -3]) expect(formatClock(value)).toBe('0:00');
  });
});

describe('isoDuration', () => {
  it('names hours, minutes and seconds', () => {
    expect(isoDuration(3723)).toBe('PT1H2M3S');
  });
});
