/** The ports of a place, opened when they are first asked for. */
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { openBlobs, type Blobs } from '@kinora/blobs';
import { events, routes, topology } from '@kinora/contracts';
import { openDocuments, type Collection, type Documents, type Identified } from '@kinora/documents';
import { openBus, type Bus } from '@kinora/messaging';
import { pathOf, portNames, UsageError, type Place, type PortName } from './place.ts';

/** Database of the move itself, beside those of the services. */
export const ownDatabase = 'migration';

/** A document of any service. */
export type AnyDocument = Identified & Readonly<Record<string, unknown>>;

export interface Ports {
  /** Whether the documents are files of this machine, which show who has them open. */
  readonly isEmbedded: boolean;
  /** False for an embedded port whose file or folder is not there: opening it would make it. */
  exists(port: PortName): boolean;
  /** Databases that may hold something, in order: those of the services, and of embedded ones whatever lies there. */
  databases(): readonly string[];
  /** Names of the collections of a database; none when it is not there. */
  collections(database: string): Promise<readonly string[]>;
  /** A collection as its service has declared it; its indexes stay as they are. Made when it is not there. */
  collection<T extends Identified = AnyDocument>(database: string, name: string): Collection<T>;
  /** The same, but undefined when it is not there. */
  existing<T extends Identified = AnyDocument>(database: string, name: string): Promise<Collection<T> | undefined>;
  documents(database: string): Documents;
  bus(): Bus;
  blobs(): Blobs;
  /** Closes what is open; opening again is possible. */
  close(): Promise<void>;
}

/** Every service that the contracts know of. */
const serviceNames = [
  ...new Set<string>([...Object.values(routes), ...Object.values(events).flatMap(({ emitter, receivers }) => [emitter, ...receivers])]),
].sort();

function databasesIn(documentsUrl: string): readonly string[] {
  const folder = pathOf(documentsUrl);
  if (folder === undefined) return serviceNames;
  if (!existsSync(folder)) return [];
  const names = readdirSync(folder).flatMap((file) => (file.endsWith('.sqlite') ? [file.slice(0, -'.sqlite'.length)] : []));
  return names.filter((name) => name !== ownDatabase).sort();
}

class PlacePorts implements Ports {
  readonly #urls: Place['urls'];
  readonly #busNow: () => number;
  readonly #documents = new Map<string, Documents>();
  readonly #collections = new Map<string, Collection<Identified>>();
  #bus: Bus | undefined;
  #blobs: Blobs | undefined;

  constructor({ urls }: Place, busNow: () => number) {
    this.#urls = urls;
    this.#busNow = busNow;
  }

  get isEmbedded(): boolean {
    return pathOf(this.#urls.documents) !== undefined;
  }

  exists(port: PortName): boolean {
    const place = pathOf(this.#urls[port]);
    return place === undefined || existsSync(place);
  }

  databases(): readonly string[] {
    return databasesIn(this.#urls.documents);
  }

  async collections(database: string): Promise<readonly string[]> {
    const folder = pathOf(this.#urls.documents);
    if (folder !== undefined && !existsSync(path.join(folder, `${database}.sqlite`))) return [];
    return this.documents(database).names();
  }

  async existing<T extends Identified = AnyDocument>(database: string, name: string): Promise<Collection<T> | undefined> {
    return (await this.collections(database)).includes(name) ? this.collection<T>(database, name) : undefined;
  }

  documents(database: string): Documents {
    const open = this.#documents.get(database) ?? openDocuments(this.#urls.documents, database);
    this.#documents.set(database, open);
    return open;
  }

  collection<T extends Identified = AnyDocument>(database: string, name: string): Collection<T> {
    const key = `${database}.${name}`;
    const open = this.#collections.get(key) ?? this.documents(database).collection<Identified>(name, { indexes: 'as they are' });
    this.#collections.set(key, open);
    return open as Collection<T>;
  }

  bus(): Bus {
    return (this.#bus ??= openBus(this.#urls.bus, { topology, now: this.#busNow }));
  }

  blobs(): Blobs {
    return (this.#blobs ??= openBlobs(this.#urls.blobs));
  }

  async close(): Promise<void> {
    const open = [...this.#documents.values(), this.#bus, this.#blobs].filter((port) => port !== undefined);
    this.#documents.clear();
    this.#collections.clear();
    this.#bus = undefined;
    this.#blobs = undefined;
    for (const port of open) await port.close();
  }
}

/** Ports of `place`; nothing is opened yet. `busNow` is the bus's clock, in ms since 1970. */
export const portsOf = (place: Place, busNow: () => number = Date.now): Ports => new PlacePorts(place, busNow);

/** Resolves when every port answers, after half a minute at most; embedded ones that are not there are left alone. @throws {UsageError} naming the port that does not */
export async function pingAll(ports: Ports, side: 'source' | 'target'): Promise<void> {
  const pings: Readonly<Record<PortName, () => Promise<void>>> = {
    documents: () => ports.documents(ownDatabase).ready(),
    // Patient where a ping is not: a broker under load takes seconds to be connected to.
    bus: () => ports.bus().ready(),
    blobs: () => ports.blobs().ping(),
  };
  for (const name of portNames) {
    if (!ports.exists(name)) continue;
    if (name === 'documents' && ports.isEmbedded) continue;
    await pings[name]().catch((cause: unknown) => {
      throw new UsageError(`The ${name} of the ${side} cannot be reached: ${cause instanceof Error ? cause.message : String(cause)}`, {
        cause,
      });
    });
  }
}
