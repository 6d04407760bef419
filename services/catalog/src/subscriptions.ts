import { on, type Subscribed } from '@kinora/service';
import type { Videos } from './videos.ts';

/** What the catalog does when others report: keeps the asset of each video, counts views, removes an account's videos. */
export function subscriptions(videos: Videos): readonly Subscribed[] {
  return [
    on('asset.watchable', ({ envelope }) => videos.applyAsset(envelope.data)),
    on('asset.progressed', ({ envelope }) => videos.applyAsset(envelope.data)),
    on('asset.ready', ({ envelope }) => videos.applyAsset(envelope.data)),
    on('asset.failed', ({ envelope }) => videos.applyAsset(envelope.data)),
    on('video.viewed', ({ envelope }) => videos.countView(envelope.data)),
    on('video.removed', ({ envelope }) => videos.forgetViews(envelope.data)),
    on('account.deleted', ({ envelope, signal }) => videos.removeAllOf(envelope.data.accountId, signal)),
  ];
}
