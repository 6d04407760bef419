import { openOutbox } from '@kinora/messaging';
import { defineService } from '@kinora/service';
import { readConfig } from './config.ts';
import { openMediaUrls } from './media-urls.ts';
import { openPageCache } from './page-cache.ts';
import { routes } from './routes.ts';
import { openCollections, openStore } from './store.ts';
import { subscriptions } from './subscriptions.ts';
import { openVideos } from './videos.ts';

const pageMaxAgeMs = 1_000;

/** Videos: title, description, tags, visibility, owner, views, and what may be watched. */
export const catalog = defineService('catalog', readConfig, ({ config, bus, documents, log, metrics, now }) => {
  const collections = openCollections(documents);
  const outbox = openOutbox({
    bus,
    collections: [collections.videos, collections.views],
    now,
    onError: (err) => log.error({ err }, 'outbox failed'),
  });
  const mediaUrls = openMediaUrls(config.playbackSecret, now);
  const pages = openPageCache(pageMaxAgeMs, () => now().getTime());
  const videos = openVideos({ store: openStore(collections, outbox), mediaUrls, pages, now });
  metrics.outboxLag('catalog', () => outbox.lagSeconds());
  return {
    routes: (app) => routes(app, videos, mediaUrls),
    subscriptions: subscriptions(videos),
    stop: () => outbox.stop(),
  };
});
