import { ConfigError, configReader, integer, optional, playbackSecret, text, type ConfigReader } from '@kinora/service';

const read = configReader('streaming', {
  playbackSecret: optional(playbackSecret),
  folder: optional(
    text('STREAMING_FOLDER', { about: 'A folder of videos that anybody may watch at /videos, without the other services (default: none)' }),
  ),
  cacheBytes: integer('STREAMING_CACHE_BYTES', {
    about: 'Memory that hot segments may take; nothing is taken ahead',
    default: 64 * 1024 * 1024,
  }),
  stallSeconds: integer('STREAMING_STALL_SECONDS', {
    about: 'Time after which a client that takes no bytes is disconnected',
    default: 30,
    min: 1,
    max: 3600,
  }),
});

type Config = ReturnType<typeof read>;

/** What it takes to send files of assets. */
export type StreamingConfig = Config & { readonly playbackSecret: string };

/** All settings of streaming; the secret may only be missing where a folder is all there is to send. @throws {ConfigError} */
export const readConfig: ConfigReader<Config> = Object.assign(
  (env: NodeJS.ProcessEnv): Config => {
    const config = read(env);
    if (config.playbackSecret === undefined && config.folder === undefined) throw new ConfigError(['PLAYBACK_SECRET is required']);
    return config;
  },
  { settings: read.settings },
);
