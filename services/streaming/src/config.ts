import { configReader, integer, playbackSecret } from '@kinora/service';

export const readConfig = configReader('streaming', {
  playbackSecret,
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

export type StreamingConfig = ReturnType<typeof readConfig>;
