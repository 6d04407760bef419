import { assetPrefix } from '@kinora/contracts';
import type { Blobs } from '@kinora/blobs';
import { on, type Subscribed } from '@kinora/service';
import type { Config } from './config.ts';
import type { Runner } from './runner.ts';
import type { Publisher } from './publisher.ts';
import type { Store } from './store.ts';

interface SubscriptionPorts {
  readonly store: Store;
  readonly blobs: Blobs;
  readonly runner: Runner;
  readonly publisher: Publisher;
  readonly config: Config;
}

/** Failures are counted in the document; deliveries also end with a killed process, so there may be many. */
const maxAttempts = 50;

/** Event → handler. */
export function subscriptions({ store, blobs, runner, publisher, config }: SubscriptionPorts): readonly Subscribed[] {
  return [
    on('upload.completed', ({ envelope }) => store.begin(envelope.data), { maxAttempts }),
    on('asset.open', ({ envelope: { data }, signal }) => runner.run(data.assetId, data.jobId, signal), {
      maxAttempts,
      prefetch: config.concurrency + 1,
    }),
    on('asset.transcode', ({ envelope: { data }, signal }) => runner.run(data.assetId, data.jobId, signal), {
      maxAttempts,
      prefetch: config.concurrency,
    }),
    on(
      'video.removed',
      async ({ envelope }) => {
        for (const assetId of await store.removeVideo(envelope.data.videoId)) {
          runner.cancel(assetId);
          publisher.forget(assetId);
          await blobs.deletePrefix(assetPrefix(assetId));
        }
      },
      { maxAttempts },
    ),
  ];
}
