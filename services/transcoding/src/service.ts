import { defineService } from '@kinora/service';
import { readConfig } from './config.ts';
import { openFeatures, openFfmpeg } from './ffmpeg.ts';
import { openFfprobe } from './ffprobe.ts';
import { openPublisher } from './publisher.ts';
import { openReconciler } from './reconciler.ts';
import { routes } from './routes.ts';
import { openRunner } from './runner.ts';
import { openSteps } from './steps.ts';
import { openStore } from './store.ts';
import { subscriptions } from './subscriptions.ts';

/** Assets: probe, ladder, jobs, playlists, posters, storyboards. */
export const transcoding = defineService('transcoding', readConfig, ({ config, bus, documents, blobs, log, metrics, now }) => {
  const store = openStore(documents, bus, now, (err) => log.error({ err }, 'outbox failed'));
  metrics.outboxLag('transcoding', () => store.outbox.lagSeconds());
  const publisher = openPublisher(store, blobs, now);
  const ffmpeg = openFfmpeg(config.ffmpegPath, config.stallSeconds * 1000);
  const doJob = openSteps({ blobs, ffmpeg, features: openFeatures(config.ffmpegPath), config });
  const probe = openFfprobe(config.ffprobePath, config.probeTimeoutSeconds * 1000);
  const runner = openRunner({ store, blobs, publisher, probe, doJob, config, log, now });
  const reconciler = openReconciler({ store, bus, blobs, publisher, config, log, now });
  return {
    routes: (app) => routes(app, store, now),
    subscriptions: subscriptions({ store, blobs, runner, config }),
    start: async () => reconciler.start(),
    drain: () => runner.stop(),
    stop: async () => {
      runner.stop();
      await reconciler.stop();
      await store.outbox.stop();
    },
  };
});
