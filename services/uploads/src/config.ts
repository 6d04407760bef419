import { configReader, integer, type ConfigOf } from '@kinora/service';

const settings = {
  maxBytes: integer('UPLOADS_MAX_BYTES', { about: 'Largest source taken, in bytes', min: 1, default: 107_374_182_400 }),
  quotaBytes: integer('UPLOADS_QUOTA_BYTES', {
    about: 'Bytes of sources, stored and promised, that an account may have; 0 for no limit',
    default: 0,
  }),
  expirySeconds: integer('UPLOADS_EXPIRY_SECONDS', { about: 'Age at which an unfinished upload is removed', min: 1, default: 604_800 }),
  idleTimeoutSeconds: integer('UPLOADS_IDLE_TIMEOUT_SECONDS', {
    about: 'Time without a byte after which a transfer is cut; what has arrived is kept',
    min: 1,
    default: 60,
  }),
} as const;

export type UploadsConfig = ConfigOf<typeof settings>;

/** Configuration of uploads. @throws {ConfigError} with all faults */
export const readConfig = configReader('uploads', settings);
