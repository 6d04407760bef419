import type { StreamEvent, Video, VideoPage } from '@kinora/contracts';
import type { InfiniteData, QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';
import { laterAsset } from './later-asset.ts';

const hiddenCloseMs = 30_000;
const reopenMs = 10_000;
const lostAfterMs = 4_000;

type Pages = InfiniteData<VideoPage, string | undefined>;

const holds = (pages: Pages | undefined, videoId: string): boolean =>
  pages?.pages.some(({ items }) => items.some((video) => video.videoId === videoId)) === true;

function updateVideo(client: QueryClient, videoId: string, change: (video: Video) => Video): void {
  client.setQueryData<Video>(['video', videoId], (video) => video && change(video));
  client.setQueriesData<Pages>({ queryKey: ['video-list'] }, (pages) => {
    // Undefined leaves a list as it is, and as old as it is; the list itself would count as fetched anew.
    if (!holds(pages, videoId)) return undefined;
    const items = (page: VideoPage): Video[] => page.items.map((video) => (video.videoId === videoId ? change(video) : video));
    return pages && { ...pages, pages: pages.pages.map((page) => ({ ...page, items: items(page) })) };
  });
}

function applyAsset(client: QueryClient, { videoId, asset }: StreamEvent<'asset'>): void {
  let hasNewPoster = false;
  updateVideo(client, videoId, (video) => {
    hasNewPoster ||= asset.hasPoster && video.posterUrl === undefined;
    return withAsset(video, laterAsset(video.asset, asset));
  });
  // The address of a poster comes with the video only.
  if (hasNewPoster) void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'video-list' || queryKey[1] === videoId });
}

const withAsset = (video: Video, asset: Video['asset']): Video => (asset === undefined ? video : { ...video, asset });

function applyVideo(client: QueryClient, { video: told }: StreamEvent<'video'>): void {
  updateVideo(client, told.videoId, (known) =>
    withAsset({ ...told, posterUrl: told.posterUrl ?? known.posterUrl } as Video, laterAsset(known.asset, told.asset)),
  );
  // Lists that may lack it are read anew when they are next shown, not under the eyes of whoever looks at one.
  const mayLack = (pages: unknown): boolean => !holds(pages as Pages | undefined, told.videoId);
  void client.invalidateQueries({ queryKey: ['video-list'], refetchType: 'none', predicate: ({ state }) => mayLack(state.data) });
  // Where nothing is shown yet, nothing moves under anybody's eyes.
  const isEmpty = (pages: unknown): boolean => (pages as Pages | undefined)?.pages.every(({ items }) => items.length === 0) === true;
  void client.invalidateQueries({ queryKey: ['video-list'], predicate: ({ state }) => isEmpty(state.data) });
}

/** Takes a deleted video out of everything that is shown. */
export function forgetVideo(client: QueryClient, videoId: string): void {
  client.setQueriesData<Pages>({ queryKey: ['video-list'] }, (pages) => {
    if (!pages) return pages;
    return { ...pages, pages: pages.pages.map((page) => ({ ...page, items: page.items.filter((video) => video.videoId !== videoId) })) };
  });
  void client.invalidateQueries({ queryKey: ['video', videoId] });
}

let isLost = false;
const listeners = new Set<() => void>();

function setLost(value: boolean): void {
  if (isLost === value) return;
  isLost = value;
  for (const listener of listeners) listener();
}

/** True while the live connection is broken. */
export const useIsConnectionLost = (): boolean =>
  useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isLost,
  );

function openSource(client: QueryClient, onOpen: () => void, onError: () => void): EventSource {
  const source = new EventSource('/api/stream');
  const on = <T>(name: string, apply: (client: QueryClient, data: T) => void): void =>
    source.addEventListener(name, (event: MessageEvent<string>) => apply(client, JSON.parse(event.data) as T));
  on('asset', applyAsset);
  on('video', applyVideo);
  on<StreamEvent<'removed'>>('removed', (_client, { videoId }) => forgetVideo(client, videoId));
  source.addEventListener('open', onOpen);
  source.addEventListener('error', onError);
  return source;
}

/** Keeps what is shown up to date by GET /api/stream until the returned function is called. A page in the background gives its connection back, since browsers allow few to one host. */
export function followStream(client: QueryClient): () => void {
  let source: EventSource | undefined;
  let hasOpened = false;
  let lostTimer: number | undefined;
  let reopenTimer: number | undefined;
  let hideTimer: number | undefined;

  const onOpen = (): void => {
    window.clearTimeout(lostTimer);
    lostTimer = undefined;
    setLost(false);
    if (hasOpened) void client.invalidateQueries({ predicate: ({ queryKey }) => queryKey[0] === 'video' || queryKey[0] === 'video-list' });
    hasOpened = true;
  };
  const onError = (): void => {
    if (hasOpened) lostTimer ??= window.setTimeout(() => setLost(true), lostAfterMs);
    if (source?.readyState !== EventSource.CLOSED) return; // The browser tries again by itself.
    window.clearTimeout(reopenTimer);
    reopenTimer = window.setTimeout(open, reopenMs);
  };
  const close = (): void => {
    source?.close();
    source = undefined;
    for (const timer of [lostTimer, reopenTimer, hideTimer]) window.clearTimeout(timer);
    lostTimer = undefined;
  };
  function open(): void {
    source?.close();
    source = openSource(client, onOpen, onError);
  }
  const onVisibility = (): void => {
    window.clearTimeout(hideTimer);
    if (document.hidden) hideTimer = window.setTimeout(close, hiddenCloseMs);
    else if (!source) open();
  };
  document.addEventListener('visibilitychange', onVisibility);
  open();
  return () => {
    document.removeEventListener('visibilitychange', onVisibility);
    close();
    setLost(false);
  };
}
