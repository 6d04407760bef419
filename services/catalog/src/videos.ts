/** What the routes and the events do to videos: store, events and cached pages kept in step. */
import type { ChangeVideo, CreateVideo, EventData, Identity, Video, VideoPage } from '@kinora/contracts';
import { event, type Envelope } from '@kinora/messaging';
import { encodeCursor } from './cursor.ts';
import type { MediaUrls } from './media-urls.ts';
import type { PageCache } from './page-cache.ts';
import type { Selection, Store } from './store.ts';
import { applyAsset, changeVideo, newVideo, shownAsset, toVideo, type Changed, type VideoDocument } from './video.ts';
import { viewedScore } from './order.ts';

export interface VideosOptions {
  readonly store: Store;
  readonly mediaUrls: MediaUrls;
  readonly pages: PageCache;
  readonly now: () => Date;
}

export interface Videos {
  find(videoId: string): Promise<VideoDocument | undefined>;
  show(video: VideoDocument): Video;
  create(owner: Identity, wish: CreateVideo): Promise<VideoDocument>;
  /** `check` sees the video that is being changed and may refuse by throwing. Undefined when the video is gone. */
  change(
    videoId: string,
    change: ChangeVideo,
    requestId: string,
    check: (video: VideoDocument) => void,
  ): Promise<VideoDocument | undefined>;
  /** False when there was none. */
  remove(videoId: string, requestId: string | undefined): Promise<boolean>;
  removeAllOf(ownerId: string, signal: AbortSignal): Promise<void>;
  page(selection: Selection, limit: number): Promise<VideoPage>;
  /** `page` as JSON, at most a second old; for selections that are the same for everybody. */
  cachedPage(selection: Selection, limit: number): Promise<string>;
  applyAsset(data: EventData<'asset.ready'>): Promise<void>;
  countView(data: EventData<'video.viewed'>): Promise<void>;
  forgetViews(data: EventData<'video.removed'>): Promise<void>;
}

const removalBatch = 100;

function reader({ store, mediaUrls, pages }: VideosOptions): Pick<Videos, 'find' | 'show' | 'page' | 'cachedPage'> {
  const show = (video: VideoDocument): Video => toVideo(video, mediaUrls.poster(shownAsset(video)));
  const page = async (selection: Selection, limit: number): Promise<VideoPage> => {
    const found = await store.list(selection, limit + 1);
    const last = found.length > limit ? found[limit - 1] : undefined;
    return { items: found.slice(0, limit).map(show), ...(last ? { next: encodeCursor(selection.sort, last.order[selection.sort]) } : {}) };
  };
  const cachedPage: Videos['cachedPage'] = (selection, limit) =>
    pages.get(JSON.stringify([selection, limit]), async () => JSON.stringify(await page(selection, limit)));
  return { find: (videoId) => store.find(videoId), show, page, cachedPage };
}

type Removing = Pick<Videos, 'remove' | 'removeAllOf'>;

function remover({ store, pages, now }: VideosOptions): Removing {
  const remove: Removing['remove'] = async (videoId, requestid) => {
    const events = (video: VideoDocument): Envelope[] => {
      const assetId = shownAsset(video)?.assetId;
      const data = { videoId, ownerId: video.ownerId, ...(assetId === undefined ? {} : { assetId }) };
      return [event('video.removed', 'catalog', data, { subject: videoId, requestid, now: now() })];
    };
    return (await store.remove(videoId, events).finally(() => pages.clear())) !== undefined;
  };
  return {
    remove,
    async removeAllOf(ownerId, signal) {
      for (let ids = await store.idsOf(ownerId, removalBatch); ids.length > 0; ids = await store.idsOf(ownerId, removalBatch))
        for (const videoId of ids) {
          signal.throwIfAborted();
          await remove(videoId, undefined);
        }
    },
  };
}

/** Writes what `decide` makes of a video, with its events. */
type ChangeOne = (
  videoId: string,
  decide: (before: VideoDocument) => Changed | undefined,
  requestId?: string,
) => Promise<VideoDocument | undefined>;

function changer({ store, pages, now }: VideosOptions, show: Videos['show']): ChangeOne {
  const eventsOf = ({ video, event: type }: Changed, requestid: string | undefined): Envelope[] => {
    if (!type) return [];
    const data = { revision: video.version + 1, video: show(video) };
    return [event(type, 'catalog', data, { subject: video._id, requestid, now: now() })];
  };
  return (videoId, decide, requestId) =>
    store
      .change(videoId, (before) => {
        const changed = decide(before);
        return changed && { video: changed.video, events: eventsOf(changed, requestId) };
      })
      .finally(() => pages.clear());
}

/** The videos of this installation. */
export function openVideos(options: VideosOptions): Videos {
  const { store, now } = options;
  const reading = reader(options);
  const change = changer(options, reading.show);
  return {
    ...reading,
    ...remover(options),
    async create(owner, wish) {
      const video = newVideo(owner, wish, now());
      await store.create(video);
      return video;
    },
    change: (videoId, wish, requestId, check) =>
      change(
        videoId,
        (before) => {
          check(before);
          return changeVideo(before, wish, now());
        },
        requestId,
      ),
    async applyAsset(data) {
      await change(data.videoId, (before) => applyAsset(before, data, now()));
    },
    forgetViews: ({ videoId }) => store.forgetViews(videoId),
    async countView({ videoId, playbackId, at }) {
      const viewedAtMs = Math.min(Date.parse(at), now().getTime());
      await store.countView(videoId, playbackId, (score) => viewedScore(score, viewedAtMs));
    },
  };
}
