import type { Quality } from './hls-player.ts';

/** Speeds that the player offers. */
export const speeds = [0.5, 0.75, 1, 1.25, 1.5, 2] as const;

/** Qualities to offer, highest first: of those with equal lines only the one with the higher bitrate. */
export function offeredQualities(qualities: readonly Quality[]): readonly Quality[] {
  const best = new Map<number, Quality>();
  for (const quality of qualities) {
    const known = best.get(quality.linesPx);
    if (!known || known.bitrateBps < quality.bitrateBps) best.set(quality.linesPx, quality);
  }
  return [...best.values()].sort((a, b) => b.linesPx - a.linesPx);
}

/** Where to begin: the stored position, but the start when hardly anything is left to watch. */
export function startPosition(positionSeconds: number, durationSeconds: number): number {
  if (!Number.isFinite(positionSeconds) || positionSeconds <= 0) return 0;
  return durationSeconds > 0 && positionSeconds > durationSeconds - 10 ? 0 : positionSeconds;
}

interface Shown {
  readonly isReady: boolean;
  readonly renditions: number;
}

/** True when the asset has grown since the manifest was read so that reading it again brings more qualities. */
export const hasMoreQualities = (loaded: Shown, now: Shown): boolean =>
  (now.isReady && !loaded.isReady) || now.renditions > loaded.renditions;
