/** Sort keys: one string per order, unique because it ends in the id, so that a page is a single range of an index however many videos tie. */
import type { ListVideos } from '@kinora/contracts';

export type Sort = NonNullable<ListVideos['sort']>;
export type OrderKeys = Readonly<Record<Sort, string>>;

/** What the place of a video in every order depends on. */
export interface Ordered {
  readonly _id: string;
  readonly viewCount: number;
  readonly trendingScore: number;
  readonly createdAt: string;
  readonly publishedAt?: string;
}

const countDigits = 12;
const scoreLength = 14;
const halfLifeMs = 2 * 24 * 3_600_000;
/** A video without views stands where one with this share of a view at its creation would. */
const headStart = Math.log2(1 / 8);

const instantOf = ({ createdAt, publishedAt }: Ordered): string => publishedAt ?? createdAt;

/** Keys of a video, greatest first in every list; equal view counts are in order of publication. */
export const orderKeys = (video: Ordered): OrderKeys => ({
  newest: instantOf(video) + video._id,
  views: String(video.viewCount).padStart(countDigits, '0') + instantOf(video) + video._id,
  trending: Math.max(0, video.trendingScore).toFixed(4).padStart(scoreLength, '0') + video._id,
});

const instant = '\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z';
const id = '[a-z2-7]{20}';
const keyPatterns: Readonly<Record<Sort, RegExp>> = {
  newest: new RegExp(`^${instant}${id}$`),
  views: new RegExp(`^\\d{${countDigits}}${instant}${id}$`),
  trending: new RegExp(`^\\d{9}\\.\\d{4}${id}$`),
};

/** True for what `orderKeys` can give for `sort`. */
export const isOrderKey = (sort: Sort, key: string): boolean => keyPatterns[sort].test(key);

/** Trending score of a video without views, created at `createdAtMs`. */
export const firstScore = (createdAtMs: number): number => createdAtMs / halfLifeMs + headStart;

/**
 * Score after one more view at `viewedAtMs`. A view weighs half as much two days later; the score is the logarithm of the sum of weights
 * that grow with time instead of shrinking, so that scores written at different times compare and nothing has to be rewritten as time passes.
 */
export function viewedScore(score: number, viewedAtMs: number): number {
  const view = viewedAtMs / halfLifeMs;
  const greater = Math.max(score, view);
  return greater + Math.log2(1 + 2 ** (Math.min(score, view) - greater));
}
