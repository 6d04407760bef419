import { defineService, openAccessLog } from '@kinora/service';
import { readConfig } from './config.ts';
import { fastPath } from './fast-path.ts';
import { openMedia } from './media.ts';
import { routes } from './routes.ts';

/** Sends playlists, segments and pictures from the blob store to whoever holds a valid playback token. Owns nothing, asks nobody. */
export const streaming = defineService('streaming', readConfig, ({ config, blobs, log, metrics, now }) => {
  const media = openMedia({ config, blobs, log, metrics, now });
  return {
    handle: fastPath(media, openAccessLog({ service: 'streaming', log, metrics })),
    routes: routes(media),
  };
});
