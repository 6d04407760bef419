import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ladderFor } from './ladder.ts';

const thirty = { num: 30, den: 1 };
const sides = fc.integer({ min: 2, max: 5000 });

describe('ladderFor', () => {
  it('lists the usual sizes below a full-HD source, lowest first', () => {
    const sizes = ladderFor({ widthPx: 1920, heightPx: 1080, rate: thirty }).map(({ widthPx, heightPx }) => `${widthPx}x${heightPx}`);
    expect(sizes).toEqual(['426x240', '640x360', '854x480', '1280x720', '1920x1080']);
  });
  it('turns the ladder upright for a portrait source', () => {
    const top = ladderFor({ widthPx: 1080, heightPx: 1920, rate: thirty }).at(-1);
    expect(top).toMatchObject({ renditionId: 'v1080', widthPx: 1080, heightPx: 1920 });
  });
  it('never upscales, uses even sizes and distinct renditions, and grows, for any size', () => {
    fc.assert(
      fc.property(sides, sides, (widthPx, heightPx) => {
        const ladder = ladderFor({ widthPx, heightPx, rate: thirty });
        const top = ladder.at(-1) ?? ladder[0];
        for (const rung of ladder) {
          expect(rung.widthPx % 2 === 0 && rung.heightPx % 2 === 0).toBe(true);
          expect(rung.widthPx <= Math.max(2, widthPx) && rung.heightPx <= Math.max(2, heightPx)).toBe(true);
          expect(rung.bitrateBps <= top.bitrateBps).toBe(true);
        }
        expect(new Set(ladder.map(({ renditionId }) => renditionId)).size).toBe(ladder.length);
      }),
    );
  });
});
