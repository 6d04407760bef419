import { accounts } from '@kinora/accounts';
import { catalog } from '@kinora/catalog';
import { gateway } from '@kinora/gateway';
import type { ServiceDefinition } from '@kinora/service';
import { streaming } from '@kinora/streaming';
import { transcoding } from '@kinora/transcoding';
import { uploads } from '@kinora/uploads';

/** Every service of the platform. */
export const services = { accounts, catalog, uploads, transcoding, streaming, gateway } as const satisfies Record<
  string,
  ServiceDefinition
>;

/** The services named in `names` (comma-separated), all when it is unset. @throws {Error} naming what is unknown */
export function select(names: string | undefined): readonly ServiceDefinition[] {
  if (!names) return Object.values(services);
  const wanted = names.split(',').map((name) => name.trim());
  const unknown = wanted.filter((name) => !Object.hasOwn(services, name));
  if (unknown.length > 0) throw new Error(`SERVICES names ${unknown.join(', ')}; there are ${Object.keys(services).join(', ')}.`);
  return Object.entries(services).flatMap(([name, definition]) => (wanted.includes(name) ? [definition] : []));
}
