import { openOutbox } from '@kinora/messaging';
import { defineService } from '@kinora/service';
import { readConfig } from './config.ts';
import { UploadDataStore } from './data-store.ts';
import { openLeases } from './leases.ts';
import { openLocks } from './locks.ts';
import { routes } from './routes.ts';
import { growingOf, openStore, openUploads } from './store.ts';
import { subscriptions } from './subscriptions.ts';
import { openTransfers } from './transfers.ts';
import { openTus } from './tus.ts';
import { openUpkeep } from './upkeep.ts';
import { videoCheck } from './videos.ts';

const upkeepMs = 60_000;
const stalledMs = 2_000;
const storeStalledMs = 15_000;
const waitMs = 1_000;
const replicaWaitMs = 2_000;
const beatMs = 1_000;
const silentMs = 3_000;

/** Resumable transfers (tus 1.0.0) into the blob store. */
export const uploads = defineService('uploads', readConfig, ({ config, bus, documents, blobs, peers, log, metrics, now }) => {
  const { maxBytes, quotaBytes, expirySeconds, idleTimeoutSeconds } = config;
  const collection = openUploads(documents);
  const outbox = openOutbox({ bus, collections: [collection], now, onError: (err) => log.error({ err }, 'outbox failed') });
  const { growing } = blobs;
  const store = openStore({ uploads: collection, growing, outbox, quotaBytes, now });
  const transfers = openTransfers({ stalledMs, storeStalledMs, now: () => performance.now() });
  const leases = openLeases({
    ...{ uploads: collection, transfers, beatMs, silentMs },
    fence: (upload) => growing.fence(growingOf(upload)),
    onError: (err) => log.error({ err }, 'lease was not released'),
  });
  const locks = openLocks({ transfers, leases, waitMs, replicaWaitMs });
  const checkVideo = videoCheck(peers, store);
  const dataStore = new UploadDataStore({ checkVideo, store, growing, transfers, expirySeconds, idleTimeoutSeconds, now });
  const tus = openTus({ store, dataStore, locks, maxBytes, checkVideo });
  const upkeep = openUpkeep({ store, growing, locks, log, now, everyMs: upkeepMs });
  metrics.outboxLag('uploads', () => outbox.lagSeconds());
  return {
    routes: (app) => routes(app, { tus, store }),
    subscriptions: subscriptions(store, locks),
    start: async () => {
      await upkeep.run();
      upkeep.start();
    },
    stop: async () => {
      await upkeep.stop();
      await outbox.stop();
    },
  };
});
