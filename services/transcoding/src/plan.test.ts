import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { canRemuxVideo, chunksOf, jobsOf, planAsset, ticksOf, withoutRemux } from './plan.ts';
import type { AudioProbe, Probe, VideoProbe } from './probe.ts';

const settings = { chunkSeconds: 24, openingSeconds: 8 };
const audio: AudioProbe = {
  index: 1,
  codec: 'aac',
  profile: 'LC',
  channels: 2,
  sampleRateHz: 48_000,
  bitrateBps: 128_000,
  firstPacketSeconds: -1024 / 48_000,
  language: undefined,
};
const video: VideoProbe = {
  index: 0,
  codec: 'h264',
  profile: 'High',
  level: 40,
  pixelFormat: 'yuv420p',
  widthPx: 1920,
  heightPx: 1080,
  rotationDegrees: 0,
  hasSquarePixels: true,
  isInterlaced: false,
  isHdr: false,
  rate: { num: 30_000, den: 1001 },
  frames: 1800,
  startSeconds: 0,
  durationSeconds: 60.06,
  longestGopSeconds: 2,
  startsClean: true,
  bitrateBps: 6_000_000,
};
const probeOf = (change: Partial<VideoProbe> = {}, rest: Partial<Probe> = {}): Probe => ({
  container: 'mov,mp4',
  startSeconds: 0,
  durationSeconds: 60.06,
  video: { ...video, ...change },
  audio,
  ...rest,
});
const plans = fc
  .record({
    totalFrames: fc.integer({ min: 1, max: 20_000 }),
    rate: fc.constantFrom(
      { num: 24_000, den: 1001 },
      { num: 25, den: 1 },
      { num: 30_000, den: 1001 },
      { num: 60, den: 1 },
      { num: 10, den: 1 },
    ),
    codec: fc.constantFrom('h264', 'vp9', 'hevc', 'av1'),
    container: fc.constantFrom('mov,mp4', 'matroska,webm', 'mpegts'),
    hasAudio: fc.boolean(),
    offsetSeconds: fc.double({ min: 0, max: 3, noNaN: true }),
  })
  .map(({ totalFrames, rate, codec, container, hasAudio, offsetSeconds }) =>
    planAsset(
      probeOf(
        { frames: totalFrames, rate, codec, startSeconds: offsetSeconds, durationSeconds: (totalFrames * rate.den) / rate.num },
        { container, audio: hasAudio ? audio : undefined },
      ),
      settings,
    ),
  );

describe('chunksOf', () => {
  it('covers every frame once, in order, in whole segments', () => {
    fc.assert(
      fc.property(plans, (plan) => {
        let frame = 0;
        let segment = 0;
        const chunks = chunksOf(plan);
        chunks.forEach((chunk, at) => {
          expect([chunk.index, chunk.firstFrame, chunk.firstSegment]).toEqual([at, frame, segment]);
          expect(chunk.isLast).toBe(at === chunks.length - 1);
          if (!chunk.isLast) expect((chunk.endFrame - chunk.firstFrame) % plan.framesPerSegment).toBe(0);
          segment += (chunk.endFrame - chunk.firstFrame) / plan.framesPerSegment;
          frame = chunk.endFrame;
        });
        expect(frame).toBe(plan.totalFrames);
      }),
    );
  });
});

describe('jobsOf', () => {
  it('makes each rendition from every chunk exactly once, under unique ids that fit the contract', () => {
    fc.assert(
      fc.property(plans, fc.boolean(), (planned, isLate) => {
        const plan = isLate ? withoutRemux(planned) : planned;
        const jobs = jobsOf(plan);
        expect(new Set(jobs.map(({ jobId }) => jobId)).size).toBe(jobs.length);
        for (const { jobId } of jobs) expect(jobId).toMatch(/^[a-z0-9-]{1,64}$/);
        const chunks = chunksOf(plan).map(({ index }) => index);
        for (const { renditionId } of [...plan.rungs, ...(plan.late ? [plan.late] : [])]) {
          expect(jobs.filter(({ renditionIds }) => renditionIds.includes(renditionId)).map(({ chunk }) => chunk?.index)).toEqual(chunks);
        }
        expect(jobs.filter(({ step }) => step === 'audio').length).toBe(plan.audio ? 1 : 0);
      }),
    );
  });
  it('opens with a repackaging when players take the source as it is', () => {
    expect(jobsOf(planAsset(probeOf(), settings)).map(({ jobId }) => jobId)).toEqual([
      'remux',
      'audio',
      'poster',
      'chunk-0',
      'chunk-1',
      'chunk-2',
      'storyboard',
    ]);
  });
  it('opens with the lowest rung of the first seconds when the source has to be encoded', () => {
    const [opening] = jobsOf(planAsset(probeOf({ codec: 'vp9' }), settings));
    expect(opening).toMatchObject({ jobId: 'opening', renditionIds: ['v240'], chunk: { firstFrame: 0, endFrame: 240 } });
  });
});

describe('planAsset', () => {
  it('keeps the fraction of a frame by which the picture starts late, and fills whole frames', () => {
    const plan = planAsset(probeOf({ startSeconds: 0.123, rate: { num: 25, den: 1 }, frames: 100, durationSeconds: 4 }), settings);
    expect(plan.phaseSeconds).toBeCloseTo(0.003, 6);
    expect(plan.totalFrames).toBe(103);
  });
});

describe('canRemuxVideo', () => {
  it.each<[string, Partial<VideoProbe>]>([
    ['10-bit', { pixelFormat: 'yuv420p10le' }],
    ['turned', { rotationDegrees: 90 }],
    ['interlaced', { isInterlaced: true }],
    ['with keyframes far apart', { longestGopSeconds: 20 }],
    ['with a huge bitrate', { bitrateBps: 90_000_000 }],
    ['with pixels that are not square', { hasSquarePixels: false }],
    ['of another codec', { codec: 'hevc' }],
  ])('refuses a source %s', (_, change) => {
    expect(canRemuxVideo(probeOf())).toBe(true);
    expect(canRemuxVideo(probeOf(change))).toBe(false);
  });
});

describe('ticksOf', () => {
  it('gives every frame a whole number of ticks', () => {
    expect(ticksOf({ num: 30_000, den: 1001 })).toEqual({ timescale: 30_000, frameTicks: 1001 });
    expect(ticksOf({ num: 25, den: 1 })).toEqual({ timescale: 12_800, frameTicks: 512 });
  });
});
