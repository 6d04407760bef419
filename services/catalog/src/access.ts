/** Who may do what with a video. */
import { Problem, type Identity } from '@kinora/contracts';
import type { VideoDocument } from './video.ts';

type Owned = Pick<VideoDocument, 'ownerId' | 'visibility'>;

/** True for the owner and for admins. */
export const mayChange = (video: Owned, identity: Identity | undefined): boolean =>
  identity !== undefined && (identity.role === 'admin' || identity.accountId === video.ownerId);

/** True for everybody unless the video is private. */
export const maySee = (video: Owned, identity: Identity | undefined): boolean =>
  video.visibility !== 'private' || mayChange(video, identity);

/** The video, for somebody who may see it; nobody else learns that it exists. @throws {Problem} not-found */
export function visibleTo<T extends Owned>(video: T | undefined, identity: Identity | undefined): T {
  if (!video || !maySee(video, identity)) throw new Problem('not-found', { detail: 'There is no such video.' });
  return video;
}

/** The video, for somebody who may change it. @throws {Problem} not-found, forbidden */
export function changeableBy<T extends Owned>(video: T | undefined, identity: Identity): T {
  const visible = visibleTo(video, identity);
  if (!mayChange(visible, identity)) throw new Problem('forbidden', { detail: 'Only the owner may change this video.' });
  return visible;
}
