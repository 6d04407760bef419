import { defineService } from '@kinora/service';
import { readConfig } from './config.ts';
import { routes } from './routes.ts';

/** Sends playlists, segments and pictures from the blob store to whoever holds a valid playback token. Owns nothing, asks nobody. */
export const streaming = defineService('streaming', readConfig, ({ config, blobs, log, metrics, now }) => ({
  routes: routes({ config, blobs, log, metrics, now }),
}));
