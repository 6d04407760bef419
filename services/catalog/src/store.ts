/** Videos and view counts in the database. */
import { DuplicateKeyError, type Collection, type Documents, type Filter } from '@kinora/documents';
import { outboxIndex, type Envelope, type Outbox, type Outboxed } from '@kinora/messaging';
import type { Sort } from './order.ts';
import { countViews, type VideoDocument } from './video.ts';

/** Views of one video; the ids of the latest playbacks keep a repeated event from counting twice. */
export interface ViewsDocument extends Outboxed {
  readonly viewCount: number;
  readonly trendingScore: number;
  readonly playbackIds: readonly string[];
}

/** Which videos a list is about. */
export interface Selection {
  readonly sort: Sort;
  readonly tag: string | undefined;
  readonly ownerId: string | undefined;
  /** False: all of `ownerId`'s, private and unfinished ones too. */
  readonly onlyListed: boolean;
  /** Key of the last video of the page before. */
  readonly afterKey: string | undefined;
}

/** A repeated view counts twice only when as many other playbacks of the video were counted in between. */
const playbackIdsKept = 500;

export interface Collections {
  readonly videos: Collection<VideoDocument>;
  readonly views: Collection<ViewsDocument>;
}

/** Declares the collections. The orders' keys are unique, so that every page is one range of one index. */
export function openCollections(documents: Documents): Collections {
  const videos = documents.collection<VideoDocument>('videos', {
    indexes: [
      outboxIndex,
      { keys: { listed: 1, 'order.newest': -1 }, sparse: true },
      { keys: { listed: 1, 'order.views': -1 }, sparse: true },
      { keys: { listed: 1, 'order.trending': -1 }, sparse: true },
      { keys: { listed: 1, ownerId: 1, 'order.newest': -1 }, sparse: true },
      { keys: { listed: 1, ownerId: 1, 'order.views': -1 }, sparse: true },
      { keys: { listed: 1, ownerId: 1, 'order.trending': -1 }, sparse: true },
      { keys: { listed: 1, tags: 1, 'order.newest': -1 }, sparse: true },
      { keys: { listed: 1, tags: 1, 'order.views': -1 }, sparse: true },
      { keys: { listed: 1, tags: 1, 'order.trending': -1 }, sparse: true },
      { keys: { ownerId: 1, 'order.newest': -1 } },
    ],
  });
  const views = documents.collection<ViewsDocument>('views', { indexes: [outboxIndex] });
  return { videos, views };
}

export interface Store {
  find(videoId: string): Promise<VideoDocument | undefined>;
  /** At most `limit` videos, greatest key first. */
  list(selection: Selection, limit: number): Promise<VideoDocument[]>;
  /** Ids of at most `limit` videos of an account. */
  idsOf(ownerId: string, limit: number): Promise<string[]>;
  create(video: VideoDocument): Promise<void>;
  /** Asks `decide` until nobody else has written meanwhile; undefined leaves the video as it is. Gives what is stored afterwards, or undefined when there is none. */
  change(
    videoId: string,
    decide: (video: VideoDocument) => { video: VideoDocument; events: readonly Envelope[] } | undefined,
  ): Promise<VideoDocument | undefined>;
  remove(videoId: string, events: (video: VideoDocument) => readonly Envelope[]): Promise<VideoDocument | undefined>;
  /** Removes what was counted of a video that is gone. */
  forgetViews(videoId: string): Promise<void>;
  /** Counts a playback once, `score` giving the trending score after it. */
  countView(videoId: string, playbackId: string, score: (before: number) => number): Promise<void>;
}

function filterOf({ sort, tag, ownerId, onlyListed, afterKey }: Selection): Filter {
  return {
    ...(onlyListed ? { listed: true } : {}),
    ...(ownerId === undefined ? {} : { ownerId }),
    ...(tag === undefined ? {} : { tags: tag }),
    ...(afterKey === undefined ? {} : { [`order.${sort}`]: { $lt: afterKey } }),
  };
}

/** Everything but what the outbox keeps, as an update. */
function updateTo({ _id, version, outbox, outboxAt, removedAt, ...fields }: VideoDocument): {
  $set: Record<string, unknown>;
  $unset?: Record<string, unknown>;
} {
  return fields.listed ? { $set: fields } : { $set: fields, $unset: { listed: true } };
}

async function countOnce(
  outbox: Outbox,
  views: Collection<ViewsDocument>,
  video: VideoDocument,
  playbackId: string,
  score: (before: number) => number,
): Promise<ViewsDocument> {
  for (;;) {
    const counted = await outbox.change(views, video._id, (before) => {
      if (before.playbackIds.includes(playbackId)) return undefined;
      const $set = { viewCount: before.viewCount + 1, trendingScore: score(before.trendingScore) };
      return { update: { $set, $push: { playbackIds: { $each: [playbackId], $slice: -playbackIdsKept } } } };
    });
    if (counted) return counted;
    const first = { _id: video._id, version: 0, viewCount: video.viewCount, trendingScore: video.trendingScore, playbackIds: [] };
    await outbox.insert(views, first, []).catch((error: unknown) => {
      if (!(error instanceof DuplicateKeyError)) throw error;
    });
  }
}

/** The store over `collections`; writes go through `outbox`. */
export function openStore({ videos, views }: Collections, outbox: Outbox): Store {
  const find = async (videoId: string): Promise<VideoDocument | undefined> => {
    const video = await videos.findOne({ _id: videoId });
    return video?.removedAt === undefined ? video : undefined;
  };
  return {
    find,
    async list(selection, limit) {
      const filter = filterOf(selection);
      const options = { sort: { [`order.${selection.sort}`]: -1 }, limit } as const;
      const found = await videos.find(filter, options);
      // Removed videos lie here for a moment, until their events are out; asking for others at once would make every list slower.
      if (found.every(({ removedAt }) => removedAt === undefined)) return found;
      return videos.find({ ...filter, removedAt: { $exists: false } }, options);
    },
    idsOf: async (ownerId, limit) =>
      (await videos.find({ ownerId, removedAt: { $exists: false } }, { sort: { 'order.newest': -1 }, limit })).map(({ _id }) => _id),
    create: (video) => outbox.insert(videos, video, []),
    change: (videoId, decide) =>
      outbox.change(videos, videoId, (before) => {
        const next = decide(before);
        return next && { update: updateTo(next.video), events: next.events };
      }),
    remove: (videoId, events) => outbox.remove(videos, videoId, events),
    forgetViews: async (videoId) => void (await views.deleteOne({ _id: videoId })),
    async countView(videoId, playbackId, score) {
      const video = await find(videoId);
      const counted = video && (await countOnce(outbox, views, video, playbackId, score));
      const after =
        counted &&
        (await outbox.change(videos, videoId, (before) =>
          before.viewCount >= counted.viewCount ? undefined : { update: updateTo(countViews(before, counted)) },
        ));
      // Removed meanwhile, or counted by somebody who did not live to see that it was.
      if (!after) await views.deleteOne({ _id: videoId });
    },
  };
}
