import { describe, expect, it } from '@jest/globals';
import { formatAge } from './age.ts';

const now = Date.parse('2026-11-23T12:00:00.000Z');

describe('formatAge', () => {
  it('uses the largest unit that fits', () => {
    expect(formatAge('2026-11-23T11:15:00.000Z', now, 'en')).toBe('45 minutes ago');
    expect(formatAge('2026-11-22T11:00:00.000Z', now, 'en')).toBe('yesterday');
    expect(formatAge('2024-11-20T12:00:00.000Z', now, 'en')).toBe('2 years ago');
  });
  it('says now for the last minute and for a clock that is ahead', () => {
    expect(formatAge('2026-11-23T11:59:40.000Z', now, 'en')).toBe('now');
    expect(formatAge('2026-11-23T12:10:00.000Z', now, 'en')).toBe('now');
  });
  it('speaks Korean', () => {
    expect(formatAge('2026-11-20T12:00:00.000Z', now, 'ko')).toBe('3일 전');
  });
});
