import { describe, expect, it } from '@jest/globals';
import { formatRemaining, roundRemaining } from './remaining.ts';

describe('roundRemaining', () => {
  it('counts in tens of seconds below a minute and never promises less than ten', () => {
    expect(roundRemaining(0)).toEqual({ unit: 'second', value: 10 });
    expect(roundRemaining(31)).toEqual({ unit: 'second', value: 40 });
  });
  it('counts in minutes up to ninety', () => {
    expect(roundRemaining(55)).toEqual({ unit: 'minute', value: 1 });
    expect(roundRemaining(65)).toEqual({ unit: 'minute', value: 1 });
    expect(roundRemaining(100)).toEqual({ unit: 'minute', value: 2 });
  });
  it('counts in half hours after that', () => {
    expect(roundRemaining(2 * 3600 + 60)).toEqual({ unit: 'hour', value: 2.5 });
  });
  it('says nothing when nothing is known', () => {
    for (const value of [undefined, Number.NaN, Number.POSITIVE_INFINITY, -1, 10 * 86_400]) expect(roundRemaining(value)).toBeUndefined();
  });
});

describe('formatRemaining', () => {
  it('speaks the language', () => {
    expect(formatRemaining({ unit: 'minute', value: 2 }, 'en')).toBe('2 min');
    expect(formatRemaining({ unit: 'minute', value: 2 }, 'ko')).toBe('2분');
  });
});
