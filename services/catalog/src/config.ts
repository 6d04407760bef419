import { configReader, playbackSecret, type ConfigOf } from '@kinora/service';

const settings = { playbackSecret } as const;

export type CatalogConfig = ConfigOf<typeof settings>;

/** Configuration of the catalog. @throws {ConfigError} with all faults */
export const readConfig = configReader('catalog', settings);
