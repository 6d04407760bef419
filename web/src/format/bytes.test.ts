import { describe, expect, it } from '@jest/globals';
import { formatBytes, formatRate } from './bytes.ts';

describe('formatBytes', () => {
  it('chooses the unit in which the number is short', () => {
    expect(formatBytes(0, 'en')).toBe('0 byte');
    expect(formatBytes(1_500, 'en')).toBe('2 kB');
    expect(formatBytes(12_340_000, 'en')).toBe('12.3 MB');
    expect(formatBytes(512_000_000, 'en')).toBe('512 MB');
    expect(formatBytes(3_210_000_000, 'en')).toBe('3.2 GB');
  });
  it('never shows a four-digit number below the largest unit', () => {
    expect(formatBytes(999_999_999, 'en')).toBe('1 GB');
  });
  it('takes what is no amount as zero', () => {
    expect(formatBytes(Number.NaN, 'en')).toBe('0 byte');
  });
});

describe('formatRate', () => {
  it('adds the second', () => {
    expect(formatRate(2_000_000, 'en')).toBe('2 MB/s');
  });
});
