import { configReader, integer, optional, text, type ConfigOf } from '@kinora/service';

const settings = {
  webDir: optional(text('GATEWAY_WEB_DIR', { about: 'Folder of the built web app (default: `web/dist` of this checkout)' })),
  requestsPerMinute: integer('GATEWAY_REQUESTS_PER_MINUTE', {
    about: 'API requests per client address, media not counted; 0 for no limit',
    default: 6000,
  }),
  identityRefreshSeconds: integer('GATEWAY_IDENTITY_REFRESH_SECONDS', {
    about: 'How soon a changed role or an ended session is noticed',
    default: 60,
    min: 1,
    max: 3600,
  }),
  streamsPerAccount: integer('GATEWAY_STREAMS_PER_ACCOUNT', {
    about: 'Event streams that an account may have open; the oldest is closed for a new one',
    default: 20,
    min: 1,
  }),
  streamBufferBytes: integer('GATEWAY_STREAM_BUFFER_BYTES', {
    about: 'Bytes that may wait for a slow event stream before it is closed',
    default: 262_144,
    min: 1024,
  }),
} as const;

export type Config = ConfigOf<typeof settings>;

/** All settings of the gateway. @throws {ConfigError} */
export const readConfig = configReader('gateway', settings);
