import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { contentRange, parseRange } from './ranges.ts';

describe('parseRange', () => {
  it.each([
    ['bytes=0-0', [[0, 1]]],
    ['bytes=0-', [[0, 1000]]],
    ['bytes=500-600', [[500, 601]]],
    ['bytes=-100', [[900, 1000]]],
    ['bytes=-5000', [[0, 1000]]],
    ['bytes=990-99999999999999999999999', [[990, 1000]]],
    ['BYTES=1-2', [[1, 3]]],
    [
      'bytes= 5-6 , ,0-1',
      [
        [5, 7],
        [0, 2],
      ],
    ],
    ['bytes=0-5,5-9', [[0, 10]]],
    ['bytes=0-1,2000-', [[0, 2]]],
  ])('reads %s', (header, expected) => {
    expect(parseRange(header, 1000)).toEqual(expected.map(([start, end]) => ({ start, end })));
  });

  it.each(['bytes=1000-', 'bytes=-0', 'bytes=5000-6000,1000-', `bytes=${'9'.repeat(400)}-`])('finds %s unsatisfiable', (header) => {
    expect(parseRange(header, 1000)).toBe('unsatisfiable');
  });

  it.each([
    undefined,
    '',
    'bytes',
    'bytes=',
    'bytes=-',
    'bytes=a-b',
    'bytes=5-4',
    'items=0-1',
    'bytes=0-1,x',
    'bytes=1',
    'bytes=--1',
    'bytes=0x1-2',
    'bytes = 0-1',
  ])('ignores %j', (header) => {
    expect(parseRange(header, 1000)).toBeUndefined();
  });

  it('ignores a header with a flood of ranges', () => {
    expect(parseRange(`bytes=${Array.from({ length: 17 }, (_, n) => `${n * 2}-${n * 2}`).join()}`, 1000)).toBeUndefined();
  });

  it('treats an empty representation as one that has no ranges', () => {
    expect(parseRange('bytes=0-', 0)).toBe('unsatisfiable');
    expect(parseRange('bytes=-1', 0)).toBeUndefined();
  });

  it('covers exactly the bytes asked for, once, whatever the ranges are', () => {
    const spec = fc.tuple(fc.nat(60), fc.nat(60)).map(([a, b]) => [Math.min(a, b), Math.max(a, b)] as const);
    fc.assert(
      fc.property(fc.array(spec, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 50 }), (specs, bytes) => {
        const asked = new Set(
          specs
            .flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, n) => first + n))
            .filter((position) => position < bytes),
        );
        const ranges = parseRange(`bytes=${specs.map(([first, last]) => `${first}-${last}`).join(', ')}`, bytes);
        if (asked.size === 0) return expect(ranges).toBe('unsatisfiable');
        if (!Array.isArray(ranges)) throw new Error('ranges expected');
        const given = ranges.flatMap(({ start, end }: { start: number; end: number }) =>
          Array.from({ length: end - start }, (_, n) => start + n),
        );
        expect(given).toHaveLength(asked.size);
        expect(new Set(given)).toEqual(asked);
      }),
    );
  });

  it('never throws and never leaves the representation', () => {
    const noise = fc
      .array(fc.constantFrom('bytes', '=', '-', ',', ' ', '0', '7', '99', 'x', '\t'), { maxLength: 12 })
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(
        fc.oneof(
          noise,
          noise.map((text) => `bytes=${text}`),
          fc.string(),
        ),
        fc.nat(100),
        (header, bytes) => {
          const ranges = parseRange(header, bytes);
          if (Array.isArray(ranges)) for (const { start, end } of ranges) expect(0 <= start && start < end && end <= bytes).toBe(true);
        },
      ),
      { numRuns: 1000 },
    );
  });
});

describe('contentRange', () => {
  it('counts inclusively, as HTTP does', () => {
    expect(contentRange({ start: 0, end: 10 }, 20)).toBe('bytes 0-9/20');
  });
});
