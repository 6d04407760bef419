import { assetPrefix } from '@kinora/contracts';
import type { Blobs } from '@kinora/blobs';
import { on, type Subscribed } from '@kinora/service';
import type { Config } from './config.ts';
import type { Runner } from './runner.ts';
import type { Store } from './store.ts';

interface SubscriptionPorts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly runner: Runner;
  readonly config: Config;
}

/** Event → handler. */
export function subscriptions({ store, blobs, runner, config }: SubscriptionPorts): readonly Subscribed[] {
  const removeVideo = async (videoId: string): Promise<void> => {
    for (const assetId of await store.removeVideo(videoId)) {
      runner.cancel(assetId);
      await blobs.deletePrefix(assetPrefix(assetId));
    }
  };
  return [
    on('upload.completed', async ({ envelope: { data } }) => {
      if (!(await store.begin(data))) await removeVideo(data.videoId);
    }),
    on('asset.open', ({ envelope: { data }, signal }) => runner.run(data.assetId, data.jobId, signal), {
      prefetch: config.concurrency + 1,
    }),
    on('asset.transcode', ({ envelope: { data }, signal }) => runner.run(data.assetId, data.jobId, signal), {
      prefetch: config.concurrency,
    }),
    on('video.removed', ({ envelope: { data } }) => removeVideo(data.videoId)),
  ];
}
