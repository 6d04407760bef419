import type { VideoProbe } from './probe.ts';

/** One row of the encoding plan of an asset. */
export interface Rung {
  readonly renditionId: string;
  /** Even. */
  readonly widthPx: number;
  readonly heightPx: number;
  /** Ceiling that the encoder keeps, bits per second. */
  readonly bitrateBps: number;
}

/** Short sides in px with the ceiling at up to 30 frames per second. */
const steps = [
  { sidePx: 240, bitrateBps: 500_000 },
  { sidePx: 360, bitrateBps: 900_000 },
  { sidePx: 480, bitrateBps: 1_500_000 },
  { sidePx: 720, bitrateBps: 3_000_000 },
  { sidePx: 1080, bitrateBps: 5_500_000 },
  { sidePx: 1440, bitrateBps: 10_000_000 },
  { sidePx: 2160, bitrateBps: 18_000_000 },
] as const;
const highestSidePx = 2160;
/** A step this close below the top is not worth its encoding. */
const closeToTop = 0.8;

const even = (px: number): number => Math.max(2, Math.round(px / 2) * 2);
const evenDown = (px: number): number => Math.max(2, Math.floor(px / 2) * 2);

/** Ceiling in bits per second for a short side, growing with the area between the steps. */
export function ceilingBps(sidePx: number, fps: number): number {
  const step = steps.find((candidate) => candidate.sidePx >= sidePx) ?? steps[6];
  const area = Math.min(1, (sidePx / step.sidePx) ** 1.5);
  return Math.max(150_000, Math.round((step.bitrateBps * area * (fps > 32 ? 1.5 : 1)) / 1000) * 1000);
}

/** Rungs worth encoding for a displayed size, lowest first; the last one has the source's size. Never upscales, never empty; sizes are even px. */
export function ladderFor({ widthPx, heightPx, rate }: Pick<VideoProbe, 'widthPx' | 'heightPx' | 'rate'>): readonly [Rung, ...Rung[]] {
  const fps = rate.num / rate.den;
  const shortPx = Math.min(widthPx, heightPx);
  const topPx = Math.min(shortPx, highestSidePx);
  const rung = (sidePx: number): Rung => {
    const scale = sidePx / shortPx;
    const fit = sidePx === shortPx ? evenDown : (px: number): number => even(px * scale);
    const size = { widthPx: fit(widthPx), heightPx: fit(heightPx) };
    return { renditionId: `v${Math.min(size.widthPx, size.heightPx)}`, ...size, bitrateBps: ceilingBps(sidePx, fps) };
  };
  const below = steps.filter(({ sidePx }) => sidePx <= topPx * closeToTop).map(({ sidePx }) => rung(sidePx));
  const top = rung(topPx);
  return below.length > 0 ? [below[0] ?? top, ...below.slice(1), top] : [top];
}
