import { openOutbox } from '@kinora/messaging';
import { defineService } from '@kinora/service';
import { readConfig } from './config.ts';
import { UploadDataStore } from './data-store.ts';
import { openLocks } from './locks.ts';
import { routes } from './routes.ts';
import { openSourceFiles } from './source-files.ts';
import { openStore, openUploads } from './store.ts';
import { subscriptions } from './subscriptions.ts';
import { openTransfers } from './transfers.ts';
import { openTus } from './tus.ts';
import { openUpkeep } from './upkeep.ts';
import { videoCheck } from './videos.ts';

const upkeepMs = 60_000;
const stalledMs = 2_000;
const lockWaitMs = 1_000;

/** Resumable transfers (tus 1.0.0) into the blob store. */
export const uploads = defineService('uploads', readConfig, ({ config, bus, documents, blobs, peers, log, metrics, now }) => {
  const { maxBytes, quotaBytes, expirySeconds, idleTimeoutSeconds } = config;
  const collection = openUploads(documents);
  const outbox = openOutbox({ bus, collections: [collection], now, onError: (err) => log.error({ err }, 'outbox failed') });
  const files = openSourceFiles(blobs);
  const store = openStore({ uploads: collection, files, outbox, quotaBytes, now });
  const transfers = openTransfers(stalledMs, () => performance.now());
  const locks = openLocks({ waitMs: lockWaitMs, transfers });
  const dataStore = new UploadDataStore({ store, files, transfers, expirySeconds, idleTimeoutSeconds, now });
  const tus = openTus({ store, dataStore, locks, maxBytes, checkVideo: videoCheck(peers, store) });
  const upkeep = openUpkeep({ store, files, locks, log, now, everyMs: upkeepMs });
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
