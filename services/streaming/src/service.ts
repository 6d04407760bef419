import { defineService, openAccessLog } from '@kinora/service';
import { readConfig } from './config.ts';
import { fastPath } from './fast-path.ts';
import { openFolder } from './folder.ts';
import { folderRoutes } from './folder-routes.ts';
import { openMedia } from './media.ts';
import { routes } from './routes.ts';

/** Sends playlists, segments and pictures from the blob store to whoever holds a valid playback token. Owns nothing, asks nobody. */
export const streaming = defineService('streaming', readConfig, (ports) => {
  const { config, log, metrics, now } = ports;
  const { playbackSecret, folder: path } = config;
  const folder = path === undefined ? undefined : openFolder(path);
  // Without the secret there are no assets to send, and the blob store is not opened.
  const media =
    playbackSecret === undefined ? undefined : openMedia({ config: { ...config, playbackSecret }, blobs: ports.blobs, log, metrics, now });
  return {
    ...(media ? { handle: fastPath(media, openAccessLog({ service: 'streaming', log, metrics })) } : {}),
    routes: (app) => {
      if (media) routes(media)(app);
      if (folder) folderRoutes({ folder, sending: { stallMs: config.stallSeconds * 1000 }, log, now })(app);
    },
    start: async () => {
      if (folder) log.info({ videos: (await folder.list()).length }, 'a folder of videos is open to anybody');
    },
  };
});
