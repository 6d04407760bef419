import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId, Problem, videoSorts } from '@kinora/contracts';
import { decodeCursor, encodeCursor } from './cursor.ts';
import { isOrderKey, orderKeys } from './order.ts';

const instants = fc.integer({ min: 0, max: 4e12 }).map((ms) => new Date(ms).toISOString());
const videos = fc.record({
  _id: fc.constant('').map(() => newId()),
  viewCount: fc.nat(),
  trendingScore: fc.double({ min: 0, max: 1e5, noNaN: true }),
  createdAt: instants,
});

describe('a cursor', () => {
  it('gives back the key of any video in any order', () => {
    fc.assert(
      fc.property(videos, fc.constantFrom(...videoSorts), (video, sort) => {
        const key = orderKeys(video)[sort];
        expect(decodeCursor(sort, encodeCursor(sort, key))).toBe(key);
      }),
    );
  });

  it('is refused by another order', () => {
    fc.assert(
      fc.property(videos, fc.constantFrom(...videoSorts), fc.constantFrom(...videoSorts), (video, sort, other) => {
        fc.pre(sort !== other);
        expect(() => decodeCursor(other, encodeCursor(sort, orderKeys(video)[sort]))).toThrow(Problem);
      }),
    );
  });

  it('is refused whatever else it says', () => {
    const hostile = fc.oneof(
      fc.string(),
      fc.string().map((text) => Buffer.from(`newest ${text}`).toString('base64url')),
      fc.base64String(),
    );
    fc.assert(
      fc.property(hostile, fc.constantFrom(...videoSorts), (text, sort) => {
        expect(() => decodeCursor(sort, text)).toThrow(expect.objectContaining({ slug: 'invalid-request' }));
      }),
    );
  });
});

describe('orderKeys', () => {
  it('sort as the numbers behind them do, and are never equal for two videos', () => {
    fc.assert(
      fc.property(videos, videos, (a, b) => {
        const [first, second] = [orderKeys(a), orderKeys(b)];
        if (a.viewCount !== b.viewCount) expect(first.views < second.views).toBe(a.viewCount < b.viewCount);
        if (Math.abs(a.trendingScore - b.trendingScore) > 0.001)
          expect(first.trending < second.trending).toBe(a.trendingScore < b.trendingScore);
        if (a.createdAt !== b.createdAt) expect(first.newest < second.newest).toBe(a.createdAt < b.createdAt);
        for (const sort of videoSorts) {
          expect(first[sort]).not.toBe(second[sort]);
          expect(isOrderKey(sort, first[sort])).toBe(true);
        }
      }),
    );
  });
});
