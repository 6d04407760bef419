/** Settings that belong to no single service: where the ports are, what the process listens on. */
import type { ServiceName } from '@kinora/contracts';
import { boolean, integer, oneOf, optional, secret, text, url, type ConfigOf, type Setting } from './config.ts';

export const sharedSettings = {
  port: integer('PORT', { about: 'Port to listen on', default: 3000, max: 65_535 }),
  host: optional(text('HOST', { about: 'Address to listen on (default: all)' })),
  dataDir: text('DATA_DIR', { about: 'Folder that holds everything embedded', default: './data' }),
  publicUrl: optional(
    url('PUBLIC_URL', ['http://', 'https://'], { about: 'Address people use, needed only behind a proxy; https makes cookies Secure' }),
  ),
  trustProxy: boolean('TRUST_PROXY', { about: 'Believe X-Forwarded-* headers: only behind a proxy that sets them', default: false }),
  logLevel: oneOf('LOG_LEVEL', ['trace', 'debug', 'info', 'warn', 'error', 'silent'], {
    about: 'Least severe log line written',
    default: 'info',
  }),
  documentsUrl: optional(
    url('DOCUMENTS_URL', ['sqlite:', 'mongodb:', 'mongodb+srv:'], { about: 'Where documents are kept (default: sqlite in DATA_DIR)' }),
  ),
  busUrl: optional(url('BUS_URL', ['sqlite:', 'amqp:', 'amqps:'], { about: 'Where messages are queued (default: sqlite in DATA_DIR)' })),
  blobsUrl: optional(url('BLOBS_URL', ['file:', 's3:', 'azure:'], { about: 'Where blobs are kept (default: files in DATA_DIR)' })),
  identityKeys: optional(text('IDENTITY_JWKS', { about: 'JWKS that identity tokens are verified with, instead of asking accounts' })),
  gatewayUrl: optional(url('GATEWAY_URL', ['http://', 'https://'], { about: 'Where gateway answers when it runs elsewhere' })),
  accountsUrl: optional(url('ACCOUNTS_URL', ['http://', 'https://'], { about: 'Where accounts answers when it runs elsewhere' })),
  catalogUrl: optional(url('CATALOG_URL', ['http://', 'https://'], { about: 'Where catalog answers when it runs elsewhere' })),
  uploadsUrl: optional(url('UPLOADS_URL', ['http://', 'https://'], { about: 'Where uploads answers when it runs elsewhere' })),
  transcodingUrl: optional(url('TRANSCODING_URL', ['http://', 'https://'], { about: 'Where transcoding answers when it runs elsewhere' })),
  streamingUrl: optional(url('STREAMING_URL', ['http://', 'https://'], { about: 'Where streaming answers when it runs elsewhere' })),
} as const satisfies Record<string, Setting<unknown>>;

export type SharedConfig = ConfigOf<typeof sharedSettings>;

/** HMAC secret of playback addresses; catalog signs with it, streaming verifies. */
export const playbackSecret = secret('PLAYBACK_SECRET', { about: 'Signs playback addresses; the same for catalog and streaming' });

/** Where each service answers when it does not run in this process. */
export const peerUrls = (shared: SharedConfig): Readonly<Record<ServiceName, string | undefined>> => ({
  gateway: shared.gatewayUrl,
  accounts: shared.accountsUrl,
  catalog: shared.catalogUrl,
  uploads: shared.uploadsUrl,
  transcoding: shared.transcodingUrl,
  streaming: shared.streamingUrl,
});
