/** What uploads has to know of a video before it takes bytes for it: asked of the catalog, in the name of the caller. */
import { Problem, type Video } from '@kinora/contracts';
import type { Peers } from '@kinora/service';
import type { Exchange } from './exchange.ts';
import type { SourceMetadata } from './metadata.ts';
import type { Store } from './store.ts';

/** Checks that the video exists, is the caller's and lacks a source; one whose asset has failed may get another. @throws {Problem} not-found, conflict, service-unavailable */
export type CheckVideo = (source: SourceMetadata, exchange: Exchange) => Promise<void>;

/** A check that asks the catalog. */
export function videoCheck(peers: Peers, store: Store): CheckVideo {
  const noVideo = (): Problem => new Problem('not-found', { detail: 'There is no such video.' });
  return async ({ videoId }, { incoming, ownerId, requestId }) => {
    const { authorization = '' } = incoming.headers;
    const answer = await peers('catalog').call({
      method: 'GET',
      path: `/api/videos/${videoId}`,
      headers: { authorization, 'x-request-id': requestId },
    });
    if (answer.status === 404) throw noVideo();
    if (answer.status !== 200)
      throw new Problem('service-unavailable', { detail: 'The catalog service does not answer.', service: 'catalog' });
    const video = JSON.parse(answer.text) as Video;
    if (video.ownerId !== ownerId) throw noVideo();
    const state = video.asset?.state;
    if (state === 'failed') return;
    if (state !== undefined || (await store.hasCompleted(videoId)))
      throw new Problem('conflict', { detail: 'This video has its source already.' });
  };
}
