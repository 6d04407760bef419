/** What a video is and how it changes: pure, so that every order of events can be tried. */
import {
  newId,
  type Asset,
  type AssetState,
  type ChangeVideo,
  type CreateVideo,
  type EventData,
  type Identity,
  type Video,
  type Visibility,
} from '@kinora/contracts';
import type { Outboxed } from '@kinora/messaging';
import { firstScore, orderKeys, type OrderKeys } from './order.ts';

/** Latest snapshot of an asset that was made for a video. */
export interface KnownAsset {
  readonly revision: number;
  readonly asset: Asset;
}

/** A video as it is stored. */
export interface VideoDocument extends Outboxed {
  readonly ownerId: string;
  readonly ownerName: string;
  readonly title: string;
  readonly description: string;
  readonly tags: readonly string[];
  readonly visibility: Visibility;
  readonly language?: string;
  readonly viewCount: number;
  readonly trendingScore: number;
  readonly createdAt: string;
  readonly updatedAt: string;
  readonly publishedAt?: string;
  /** Grows when a person changes the video, not when it is viewed or processed: what If-Match compares. */
  readonly edition: number;
  /** The one that is shown first; others were made from further uploads. */
  readonly assets: readonly KnownAsset[];
  /** Present while everybody may find the video in lists. */
  readonly listed?: true;
  readonly order: OrderKeys;
}

/** A changed video and what the world has to be told of it. */
export interface Changed {
  readonly video: VideoDocument;
  readonly event: 'video.published' | 'video.changed' | undefined;
}

const maxAssets = 4;
const ranks: Readonly<Record<AssetState, number>> = { failed: 0, waiting: 1, processing: 2, watchable: 3, ready: 3 };

/** True when there is something to play. */
export const isWatchable = (asset: Asset | undefined): asset is Asset => asset?.state === 'watchable' || asset?.state === 'ready';

/** The asset that a video shows, if it has one. */
export const shownAsset = (video: VideoDocument): Asset | undefined => video.assets[0]?.asset;

/** Settles what follows from the rest: whether the video is listed, since when it is published, and its places in the orders. */
function settle(video: VideoDocument, now: Date): VideoDocument {
  const { listed: _, ...rest } = video;
  const isListed = rest.visibility === 'public' && isWatchable(shownAsset(rest));
  const publishedAt = rest.publishedAt ?? (isListed ? now.toISOString() : undefined);
  const settled = { ...rest, ...(publishedAt === undefined ? {} : { publishedAt }), ...(isListed ? { listed: true as const } : {}) };
  return { ...settled, order: orderKeys(settled) };
}

const told = (before: VideoDocument, video: VideoDocument): Changed => ({
  video,
  event: before.publishedAt === undefined && video.publishedAt !== undefined ? 'video.published' : 'video.changed',
});

/** A new video of `owner`, public unless said otherwise, without an asset. */
export function newVideo(owner: Identity, wish: CreateVideo, now: Date): VideoDocument {
  const createdAt = now.toISOString();
  const base = {
    _id: newId(),
    version: 0,
    ownerId: owner.accountId,
    ownerName: owner.name,
    title: wish.title.trim(),
    description: wish.description ?? '',
    tags: wish.tags ?? [],
    visibility: wish.visibility ?? 'public',
    ...(wish.language === undefined ? {} : { language: wish.language }),
    viewCount: 0,
    trendingScore: firstScore(now.getTime()),
    createdAt,
    updatedAt: createdAt,
    edition: 1,
    assets: [],
  };
  return { ...base, order: orderKeys(base) };
}

/** The video after a person's change. */
export function changeVideo(before: VideoDocument, change: ChangeVideo, now: Date): Changed {
  const title = change.title === undefined ? {} : { title: change.title.trim() };
  const edited: VideoDocument = { ...before, ...change, ...title, edition: before.edition + 1, updatedAt: now.toISOString() };
  return told(before, settle(edited, now));
}

/** Best asset first: one that plays stays; otherwise the one that has come furthest. */
function choose(assets: readonly KnownAsset[], shownId: string | undefined): KnownAsset[] {
  const preference = ({ asset }: KnownAsset): number => ranks[asset.state] * 2 + (asset.assetId === shownId ? 1 : 0);
  return assets.toSorted((a, b) => preference(b) - preference(a)).slice(0, maxAssets);
}

const isNews = (before: Asset | undefined, after: Asset | undefined): boolean =>
  before?.assetId !== after?.assetId ||
  before?.state !== after?.state ||
  before?.hasPoster !== after?.hasPoster ||
  before?.hasStoryboard !== after?.hasStoryboard ||
  before?.durationSeconds !== after?.durationSeconds;

/**
 * The video after an asset event; undefined when it changes nothing: it is not the owner's, or a later revision has been seen.
 * Mere progress is kept but not told, because it is told by the asset's own events.
 */
export function applyAsset(before: VideoDocument, { ownerId, revision, asset }: EventData<'asset.ready'>, now: Date): Changed | undefined {
  if (ownerId !== before.ownerId) return undefined;
  const known = before.assets.find((candidate) => candidate.asset.assetId === asset.assetId);
  if (known && known.revision >= revision) return undefined;
  const others = before.assets.filter((candidate) => candidate !== known);
  const shown = shownAsset(before);
  const merged: VideoDocument = { ...before, assets: choose([{ revision, asset }, ...others], shown?.assetId) };
  if (!isNews(shown, shownAsset(merged))) return { video: settle(merged, now), event: undefined };
  return told(before, settle({ ...merged, updatedAt: now.toISOString() }, now));
}

/** The video with a view count and score that were counted elsewhere. */
export function countViews(before: VideoDocument, counted: { readonly viewCount: number; readonly trendingScore: number }): VideoDocument {
  const { viewCount, trendingScore } = counted;
  const video = { ...before, viewCount, trendingScore };
  return { ...video, order: orderKeys(video) };
}

/** A video as people get it; `posterUrl` when there is a poster. */
export function toVideo(video: VideoDocument, posterUrl: string | undefined): Video {
  const asset = shownAsset(video);
  return {
    videoId: video._id,
    ownerId: video.ownerId,
    ownerName: video.ownerName,
    title: video.title,
    description: video.description,
    tags: [...video.tags],
    visibility: video.visibility,
    ...(video.language === undefined ? {} : { language: video.language }),
    viewCount: video.viewCount,
    createdAt: video.createdAt,
    updatedAt: video.updatedAt,
    ...(video.publishedAt === undefined ? {} : { publishedAt: video.publishedAt }),
    ...(posterUrl === undefined ? {} : { posterUrl }),
    ...(asset === undefined ? {} : { asset }),
  };
}
