import type { ProcessingStep } from '@kinora/contracts';
import { ceilingBps, ladderFor, type Rung } from './ladder.ts';
import type { AudioProbe, Fraction, Probe } from './probe.ts';

/** Every rendition of an asset starts at this time, so that priming before the first picture has room (DESIGN section 5, "Times"). */
export const originSeconds = 1;
/** What a segment aims at. */
export const segmentSeconds = 4;
/** No segment of a repackaged source is longer; a longer distance of keyframes means encoding instead. */
export const longestSegmentSeconds = 12;
export const audioRenditionId = 'audio';

/** Frames `[firstFrame, endFrame)` of the encoded timeline, whole segments from `firstSegment` on. */
export interface Chunk {
  readonly index: number;
  readonly firstSegment: number;
  readonly firstFrame: number;
  readonly endFrame: number;
  readonly isLast: boolean;
}

/** One counted unit of work: what it makes is a set of blobs under fixed keys. */
export interface Job {
  readonly jobId: string;
  readonly step: ProcessingStep;
  /** Renditions it adds segments to. */
  readonly renditionIds: readonly string[];
  readonly chunk?: Chunk;
  readonly rungs?: readonly Rung[];
}

export interface AudioPlan {
  readonly mode: 'copy' | 'encode';
  readonly bitrateBps: number;
  /** Time of the first packet on the asset's timeline. */
  readonly firstPacketSeconds: number;
  readonly channels: number;
  readonly language?: string;
}

/** How an asset is made; a pure function of its probe, kept with it. */
export interface Plan {
  /** Encoded rungs, lowest first. */
  readonly rungs: readonly Rung[];
  /** The source repackaged as it is. */
  readonly remux?: Rung;
  /** A rung that was to be a repackaging and has to be encoded after all. */
  readonly late?: Rung;
  readonly audio?: AudioPlan;
  readonly rate: Fraction;
  readonly framesPerSegment: number;
  readonly totalFrames: number;
  /** `totalFrames` is exact: no more frames are taken from the source. */
  readonly isExact: boolean;
  /** Time of frame 0 after the source's earliest time, less than one frame. */
  readonly phaseSeconds: number;
  /** Time of the first picture on the asset's timeline when repackaged. */
  readonly firstPictureSeconds: number;
  /** Frames to decode ahead of a chunk where the container cannot be sought exactly. */
  readonly leadFrames: number;
  /** Segments in chunk 0 and in each later one. */
  readonly openingSegments: number;
  readonly chunkSegments: number;
}

export interface PlanSettings {
  readonly chunkSeconds: number;
  readonly openingSeconds: number;
}

/** Ticks of the encoded timeline: a frame is `frameTicks` of a `timescale`-th of a second, both whole. */
export function ticksOf({ num, den }: Fraction): { timescale: number; frameTicks: number } {
  let factor = 1;
  while (num * factor < 10_000) factor *= 2;
  return { timescale: num * factor, frameTicks: den * factor };
}

const isSeekable = (container: string): boolean => /mov|mp4|matroska|webm/.test(container);

/** True when players take the source's video as it is: H.264 8-bit 4:2:0, upright, progressive, keyframes not too far apart, sane bitrate. */
export function canRemuxVideo({ container, video, durationSeconds }: Probe): boolean {
  const sidePx = Math.min(video.widthPx, video.heightPx);
  const sane = Math.max(8_000_000, 4 * ceilingBps(sidePx, video.rate.num / video.rate.den));
  const gopSeconds = video.longestGopSeconds ?? durationSeconds;
  return (
    isSeekable(container) &&
    video.codec === 'h264' &&
    ['yuv420p', 'yuvj420p'].includes(video.pixelFormat) &&
    /^(Constrained Baseline|Baseline|Main|High)$/.test(video.profile) &&
    video.level <= 52 &&
    !video.isInterlaced &&
    video.rotationDegrees === 0 &&
    video.hasSquarePixels &&
    video.startsClean &&
    gopSeconds <= longestSegmentSeconds - 0.5 &&
    video.bitrateBps <= sane
  );
}

/** True when players take the source's audio as it is: AAC-LC, mono or stereo. */
export const canCopyAudio = (container: string, audio: AudioProbe): boolean =>
  isSeekable(container) &&
  audio.codec === 'aac' &&
  audio.profile === 'LC' &&
  audio.channels <= 2 &&
  [44_100, 48_000].includes(audio.sampleRateHz) &&
  audio.bitrateBps <= 330_000;

function planAudio({ container, startSeconds, audio }: Probe): AudioPlan | undefined {
  if (!audio) return undefined;
  const language = audio.language === undefined ? {} : { language: audio.language };
  return canCopyAudio(container, audio)
    ? {
        mode: 'copy',
        bitrateBps: audio.bitrateBps,
        firstPacketSeconds: audio.firstPacketSeconds - startSeconds,
        channels: audio.channels,
        ...language,
      }
    : { mode: 'encode', bitrateBps: 128_000, firstPacketSeconds: -1024 / 48_000, channels: 2, ...language };
}

/** How to make `probe`'s source watchable. */
export function planAsset(probe: Probe, { chunkSeconds, openingSeconds }: PlanSettings): Plan {
  const { video } = probe;
  const fps = video.rate.num / video.rate.den;
  const offsetSeconds = Math.max(0, video.startSeconds - probe.startSeconds);
  const leadingFrames = Math.floor(offsetSeconds * fps + 1e-6);
  const ladder = ladderFor(video);
  const top = ladder.at(-1) ?? ladder[0];
  const isRemuxed = canRemuxVideo(probe);
  const audio = planAudio(probe);
  const chunkSegments = Math.max(1, Math.round(chunkSeconds / segmentSeconds));
  return {
    rungs: isRemuxed ? ladder.slice(0, -1) : ladder,
    ...(isRemuxed
      ? {
          remux: {
            ...top,
            renditionId: `${top.renditionId}-source`,
            widthPx: video.widthPx,
            heightPx: video.heightPx,
            bitrateBps: Math.max(1, video.bitrateBps),
          },
        }
      : {}),
    ...(audio ? { audio } : {}),
    rate: video.rate,
    framesPerSegment: Math.max(1, Math.round(segmentSeconds * fps)),
    totalFrames: leadingFrames + (video.frames ?? Math.max(1, Math.round(video.durationSeconds * fps))),
    isExact: video.frames !== undefined,
    phaseSeconds: Math.max(0, offsetSeconds - leadingFrames / fps),
    firstPictureSeconds: video.startSeconds - probe.startSeconds,
    leadFrames: isSeekable(probe.container) ? 0 : Math.ceil(((video.longestGopSeconds ?? 10) + 2) * fps),
    openingSegments: isRemuxed ? chunkSegments : Math.max(1, Math.round(openingSeconds / segmentSeconds)),
    chunkSegments,
  };
}

/** Chunks that cover `[0, totalFrames)` exactly, in order; each but the last holds whole segments. A short rest joins the chunk before it. */
export function chunksOf(plan: Pick<Plan, 'totalFrames' | 'framesPerSegment' | 'openingSegments' | 'chunkSegments'>): readonly Chunk[] {
  const chunks: Chunk[] = [];
  const shortest = (plan.chunkSegments * plan.framesPerSegment) / 2;
  for (let firstFrame = 0, firstSegment = 0; firstFrame < plan.totalFrames;) {
    const segments = chunks.length === 0 ? plan.openingSegments : plan.chunkSegments;
    const end = firstFrame + segments * plan.framesPerSegment;
    const isLast = end >= plan.totalFrames || (chunks.length > 0 && plan.totalFrames - end < shortest);
    chunks.push({ index: chunks.length, firstSegment, firstFrame, endFrame: isLast ? plan.totalFrames : end, isLast });
    if (isLast) break;
    firstFrame = end;
    firstSegment += segments;
  }
  return chunks;
}

function chunkJobs(plan: Plan): Job[] {
  const [lowest, ...rest] = plan.rungs;
  if (!lowest) return [];
  return chunksOf(plan).flatMap((chunk) => {
    const rungs = chunk.index === 0 && !plan.remux && !plan.late ? rest : plan.rungs;
    return rungs.length === 0
      ? []
      : [
          {
            jobId: `chunk-${chunk.index}`,
            step: 'ladder' as const,
            renditionIds: rungs.map(({ renditionId }) => renditionId),
            chunk,
            rungs,
          },
        ];
  });
}

/** Jobs that make something watchable, sent first and apart from the rest. */
export function openingJobs(plan: Plan): readonly Job[] {
  const [lowest] = plan.rungs;
  const [chunk] = chunksOf(plan);
  const video: Job[] = plan.remux
    ? [{ jobId: 'remux', step: 'remux', renditionIds: [plan.remux.renditionId] }]
    : lowest && chunk && !plan.late
      ? [{ jobId: 'opening', step: 'opening', renditionIds: [lowest.renditionId], chunk, rungs: [lowest] }]
      : [];
  return plan.audio ? [...video, { jobId: 'audio', step: 'audio', renditionIds: [audioRenditionId] }] : video;
}

/** Jobs that complete the asset, in the order in which they are sent. */
export function remainingJobs(plan: Plan): readonly Job[] {
  const { late } = plan;
  const top = late
    ? chunksOf(plan).map((chunk): Job => ({
        jobId: `top-${chunk.index}`,
        step: 'ladder',
        renditionIds: [late.renditionId],
        chunk,
        rungs: [late],
      }))
    : [];
  return [
    { jobId: 'poster', step: 'poster', renditionIds: [] },
    ...chunkJobs(plan),
    ...top,
    { jobId: 'storyboard', step: 'storyboard', renditionIds: [] },
  ];
}

/** Every job of `plan`. */
export const jobsOf = (plan: Plan): readonly Job[] => [...openingJobs(plan), ...remainingJobs(plan)];

/** `plan` after its repackaging turned out impossible: the top rung is encoded too. */
export function withoutRemux({ remux, ...plan }: Plan): Plan {
  if (!remux) return plan;
  const even = (px: number): number => Math.max(2, px - (px % 2));
  const size = { widthPx: even(remux.widthPx), heightPx: even(remux.heightPx) };
  const sidePx = Math.min(size.widthPx, size.heightPx);
  return { ...plan, late: { renditionId: `v${sidePx}`, ...size, bitrateBps: ceilingBps(sidePx, plan.rate.num / plan.rate.den) } };
}
