import { Type } from 'typebox';
import { ChangeVideo, CreateVideo, isId, ListVideos, Playback, Problem, Video, VideoPage, type Identity } from '@kinora/contracts';
import { signedIn, type App } from '@kinora/service';
import { changeableBy, visibleTo } from './access.ts';
import { decodeCursor } from './cursor.ts';
import { checkIfMatch, etagOf } from './etag.ts';
import type { MediaUrls } from './media-urls.ts';
import type { Selection } from './store.ts';
import { shownAsset } from './video.ts';
import type { Videos } from './videos.ts';

const defaultLimit = 24;
const tags = ['catalog'];
/** Answers depend on who asks and change while a video is processed. */
const uncached = 'private, no-cache';
const json = 'application/json; charset=utf-8';

/** A page is sent as JSON already made. */
const PageText = Type.Unsafe<string>(VideoPage);
const VideoParams = Type.Object({ videoId: Type.String({ description: 'Id of the video' }) });

const videoIdOf = ({ params }: { readonly params: { readonly videoId: string } }): string => {
  if (!isId(params.videoId)) throw new Problem('not-found', { detail: 'There is no such video.' });
  return params.videoId;
};

function selectionOf(query: ListVideos, identity: Identity | undefined): Selection {
  const { sort = 'newest', tag, after } = query;
  const ownerId = query.ownerId === 'me' ? signedIn({ identity }).accountId : query.ownerId;
  const isOwn = ownerId !== undefined && identity !== undefined && (identity.accountId === ownerId || identity.role === 'admin');
  return { sort, tag, ownerId, onlyListed: !isOwn, afterKey: after === undefined ? undefined : decodeCursor(sort, after) };
}

/** Routes that read. */
function reading(app: App, videos: Videos, mediaUrls: MediaUrls): void {
  app.get(
    '/api/videos',
    { schema: { tags, summary: 'List videos', querystring: ListVideos, response: { 200: PageText } } },
    async (request, reply) => {
      const { limit = defaultLimit } = request.query;
      const selection = selectionOf(request.query, request.identity);
      reply.type(json).header('cache-control', uncached);
      return selection.onlyListed ? videos.cachedPage(selection, limit) : JSON.stringify(await videos.page(selection, limit));
    },
  );
  app.get(
    '/api/videos/:videoId',
    { schema: { tags, summary: 'Get a video', params: VideoParams, response: { 200: Video } } },
    async (request, reply) => {
      const video = visibleTo(await videos.find(videoIdOf(request)), request.identity);
      reply.header('etag', etagOf(video.edition)).header('cache-control', uncached);
      return videos.show(video);
    },
  );
  app.get(
    '/api/videos/:videoId/playback',
    { schema: { tags, summary: 'Get what a player needs', params: VideoParams, response: { 200: Playback } } },
    async (request, reply) => {
      const video = visibleTo(await videos.find(videoIdOf(request)), request.identity);
      reply.header('cache-control', uncached);
      return mediaUrls.playback(shownAsset(video));
    },
  );
}

/** Routes that write. */
function writing(app: App, videos: Videos): void {
  app.post(
    '/api/videos',
    { schema: { tags, summary: 'Create a video', body: CreateVideo, response: { 201: Video } } },
    async (request, reply) => {
      const identity = signedIn(request);
      if (identity.role === 'viewer') throw new Problem('forbidden', { detail: 'This account may watch but not publish videos.' });
      const video = await videos.create(identity, request.body);
      reply.code(201).header('location', `/api/videos/${video._id}`).header('etag', etagOf(video.edition));
      return videos.show(video);
    },
  );
  app.patch(
    '/api/videos/:videoId',
    { schema: { tags, summary: 'Change a video', params: VideoParams, body: ChangeVideo, response: { 200: Video } } },
    async (request, reply) => {
      const identity = signedIn(request);
      const videoId = videoIdOf(request);
      changeableBy(await videos.find(videoId), identity);
      const changed = await videos.change(videoId, request.body, request.id, ({ edition }) =>
        checkIfMatch(request.headers['if-match'], edition),
      );
      const video = visibleTo(changed, identity);
      reply.header('etag', etagOf(video.edition));
      return videos.show(video);
    },
  );
  app.delete(
    '/api/videos/:videoId',
    { schema: { tags, summary: 'Delete a video', params: VideoParams, response: { 204: Type.Null() } } },
    async (request, reply) => {
      const identity = signedIn(request);
      const videoId = videoIdOf(request);
      changeableBy(await videos.find(videoId), identity);
      await videos.remove(videoId, request.id);
      return reply.code(204).send(null);
    },
  );
}

/** Registers /api/videos. */
export const routes = (app: App, videos: Videos, mediaUrls: MediaUrls): void => {
  reading(app, videos, mediaUrls);
  writing(app, videos);
};
