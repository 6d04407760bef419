import type { ChangeVideo, CreateVideo, ListVideos, Playback, Video, VideoPage } from '@kinora/contracts';
import { infiniteQueryOptions, queryOptions } from '@tanstack/react-query';
import { call, callTagged, isProblem } from './client.ts';

const pageSize = 24;

function listQuery(query: Pick<ListVideos, 'sort' | 'ownerId'>) {
  return infiniteQueryOptions({
    queryKey: ['video-list', query],
    queryFn: ({ pageParam, signal }) => call<VideoPage>('/api/videos', { query: { ...query, after: pageParam, limit: pageSize }, signal }),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (page: VideoPage) => page.next,
  });
}

/** Everybody's videos, newest first, page by page. */
export const newestQuery = listQuery({ sort: 'newest' });

/** The videos of whoever is signed in, in every state. */
export const myVideosQuery = listQuery({ sort: 'newest', ownerId: 'me' });

const pathOf = (videoId: string): string => `/api/videos/${encodeURIComponent(videoId)}`;

/** One video, fetched anew, with the tag of this version. @throws {ApiError} `not-found` */
export async function fetchVideo(videoId: string): Promise<{ readonly video: Video; readonly etag: string }> {
  const { data, etag } = await callTagged<Video>(pathOf(videoId));
  return { video: data, etag: etag ?? '*' };
}

/** One video; `not-found` for those that are gone and those of others that are private. */
export const videoQuery = (videoId: string) =>
  queryOptions({ queryKey: ['video', videoId], queryFn: ({ signal }) => call<Video>(pathOf(videoId), { signal }) });

/** Addresses to play a video from; `not-watchable` until there are some. They hold for hours, so they are asked for once a sitting. */
export const playbackQuery = (videoId: string) =>
  queryOptions({
    queryKey: ['playback', videoId],
    queryFn: ({ signal }) => call<Playback>(`${pathOf(videoId)}/playback`, { signal }),
    staleTime: Infinity,
    gcTime: 0,
  });

/** Makes a video that has no file yet. */
export const createVideo = (body: CreateVideo): Promise<Video> => call('/api/videos', { method: 'POST', body });

/** Changes the given fields of the version that `etag` names; `*` for whatever is there. @throws {ApiError} `precondition-failed` when it has changed */
export const changeVideo = (videoId: string, body: ChangeVideo, etag: string): Promise<Video> =>
  call(pathOf(videoId), { method: 'PATCH', body, headers: { 'if-match': etag } });

/** Deletes a video and all that was made from it; one that is gone already counts as deleted. */
export async function deleteVideo(videoId: string): Promise<void> {
  try {
    await call(pathOf(videoId), { method: 'DELETE' });
  } catch (error) {
    if (!isProblem(error, 'not-found')) throw error;
  }
}
