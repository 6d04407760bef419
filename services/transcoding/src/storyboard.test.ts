import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { planStoryboard, splitPictures, storyboardVtt } from './storyboard.ts';

describe('storyboardVtt', () => {
  it('covers the film without a gap and stays inside the sheets, for any length', () => {
    fc.assert(
      fc.property(fc.double({ min: 0.1, max: 40_000, noNaN: true }), (seconds) => {
        const plan = planStoryboard(seconds, 1920, 1080);
        const cues = [
          ...storyboardVtt(plan, seconds, 1000).matchAll(/(\S+) --> (\S+)\nstoryboard-(\d+)\.jpg#xywh=(\d+),(\d+),(\d+),(\d+)/g),
        ];
        expect(cues).toHaveLength(plan.tiles);
        expect(cues[0]?.[1]).toBe('00:00:00.000');
        cues.slice(1).forEach((cue, at) => expect(cue[1]).toBe(cues[at]?.[2]));
        for (const [, , , , x, y] of cues) expect(Number(x) < 1600 && Number(y) < 900).toBe(true);
      }),
      { numRuns: 30 },
    );
  });
  it('fits upright pictures into the tile by their height', () => {
    expect(planStoryboard(60, 1080, 1920)).toMatchObject({ tileWidthPx: 90, tileHeightPx: 160, intervalSeconds: 1 });
  });
});

describe('splitPictures', () => {
  it('cuts behind each end marker and leaves out an unfinished picture', () => {
    const picture = Buffer.from([0xff, 0xd8, 1, 2, 0xff, 0xd9]);
    expect(splitPictures(Buffer.concat([picture, picture, picture.subarray(0, 4)]))).toEqual([picture, picture]);
  });
});
