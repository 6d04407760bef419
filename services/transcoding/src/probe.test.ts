import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { encodingRate, readProbe, type RawProbe } from './probe.ts';

const video = {
  index: 0,
  codec_type: 'video',
  codec_name: 'h264',
  width: 640,
  height: 360,
  r_frame_rate: '30/1',
  avg_frame_rate: '30/1',
  duration: '2.0',
  nb_frames: '60',
};
const raw = (stream: object = {}, rest: Partial<RawProbe> = {}): RawProbe => ({
  format: { format_name: 'mov', start_time: '0', duration: '2.0' },
  streams: [{ ...video, ...stream }],
  ...rest,
});

describe('readProbe', () => {
  it('swaps the sides of a source that is shown turned by a quarter', () => {
    const probe = readProbe(raw({ side_data_list: [{ rotation: -90 }] }));
    expect(probe.video).toMatchObject({ widthPx: 360, heightPx: 640, rotationDegrees: 270 });
  });
  it('widens pixels that are not square', () => {
    expect(readProbe(raw({ sample_aspect_ratio: '4:3' })).video).toMatchObject({ widthPx: 853, heightPx: 360, hasSquarePixels: false });
  });
  it('takes a cover picture for no video', () => {
    expect(() => readProbe(raw({ disposition: { attached_pic: 1 } }))).toThrow(expect.objectContaining({ reason: 'not-a-video' }));
  });
  it('refuses a source without a duration unless its last packet was found', () => {
    const open = { ...raw({ duration: undefined }), format: { format_name: 'matroska,webm', start_time: '0' } };
    expect(() => readProbe(open)).toThrow(expect.objectContaining({ reason: 'unreadable' }));
    expect(readProbe(open, 3).durationSeconds).toBe(3);
  });
  it('measures the longest distance of keyframes and sees a clean start', () => {
    const packets = [0, 1, 2, 3, 4, 5].map((at) => ({ stream_index: 0, pts_time: String(at), flags: at % 3 === 0 ? 'K__' : '___' }));
    expect(readProbe(raw({}, { packets })).video).toMatchObject({ longestGopSeconds: 3, startsClean: true });
    expect(readProbe(raw({}, { packets: packets.slice(1) })).video.startsClean).toBe(false);
  });
});

describe('encodingRate', () => {
  it.each([
    ['30000/1001', '30000/1001', '30000/1001', true],
    ['2997/100', '2997/100', '30000/1001', true],
    ['30/1', '2987/100', '30/1', false],
    ['1000/1', '293/10', '30000/1001', false],
    ['120/1', '120/1', '60/1', false],
    ['90000/1', '24/1', '24/1', false],
    ['15/1', '15/1', '15/1', true],
    ['0/0', '0/0', '10/1', false],
  ])('takes %s with an average of %s at %s', (nominal, average, rate, isConstant) => {
    const found = encodingRate(nominal, average);
    expect([`${found.rate.num}/${found.rate.den}`, found.isConstant]).toEqual([rate, isConstant]);
  });
  it('stays within 60 frames per second for anything', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 200_000 }), fc.integer({ min: 1, max: 2000 }), fc.string(), (num, den, other) => {
        const { rate } = encodingRate(`${num}/${den}`, other);
        expect(rate.num / rate.den).toBeGreaterThan(0);
        expect(rate.num / rate.den).toBeLessThanOrEqual(60.02);
      }),
    );
  });
});
