/** The documents port on MongoDB: one database per service, for any number of machines. */
import type { Collection, CollectionSpec, Documents, Identified } from './port.ts';
import { parseIndex } from './index-keys.ts';
import { parseMongodbUrl } from './mongodb-address.ts';
import { MongodbCollection } from './mongodb-collection.ts';
import { MongodbConnection } from './mongodb-connection.ts';
import { portError } from './mongodb-errors.ts';
import { declareIndexes } from './mongodb-indexes.ts';
import { isCollectionName } from './names.ts';

const NO_INDEXES: ReadonlyMap<string, readonly string[]> = new Map();

class MongodbDocuments implements Documents {
  readonly #connection: MongodbConnection;
  readonly #names = new Set<string>();
  readonly #undeclared = new Map<string, CollectionSpec>();
  readonly #indexPaths = new Map<string, ReadonlyMap<string, readonly string[]>>();
  #declared: Promise<void> | undefined;

  constructor(connection: MongodbConnection) {
    this.#connection = connection;
  }

  collection<T extends Identified>(name: string, spec: CollectionSpec): Collection<T> {
    if (!isCollectionName(name)) throw new TypeError(`${JSON.stringify(name)} cannot name a collection`);
    if (this.#names.has(name)) throw new TypeError(`the collection ${name} is declared twice`);
    if (spec.indexes !== 'as they are') spec.indexes.forEach(parseIndex);
    this.#names.add(name);
    this.#undeclared.set(name, spec);
    this.#declared = undefined;
    return new MongodbCollection<T>(name, {
      connection: this.#connection,
      declared: () => this.ready(),
      indexPaths: (collection) => this.#indexPaths.get(collection) ?? NO_INDEXES,
    });
  }

  ready(): Promise<void> {
    this.#declared ??= this.#declare();
    return this.#declared;
  }

  async #declare(): Promise<void> {
    try {
      await this.#connection.ping(Infinity); // a service that starts has the patience of any call
      for (const [name, spec] of [...this.#undeclared]) {
        this.#indexPaths.set(name, await this.#declareOne(name, spec));
        if (this.#undeclared.get(name) === spec) this.#undeclared.delete(name);
      }
    } catch (error) {
      this.#declared = undefined;
      throw error;
    }
  }

  async #declareOne(name: string, { indexes }: CollectionSpec): Promise<ReadonlyMap<string, readonly string[]>> {
    try {
      return await declareIndexes((work) => this.#connection.call(({ db }) => work(db)), name, indexes);
    } catch (error) {
      throw portError(error, name, NO_INDEXES);
    }
  }

  async names(): Promise<readonly string[]> {
    await this.ready();
    const listed = await this.#connection.call(({ db }) => db.listCollections({ type: 'collection' }, { nameOnly: true }).toArray());
    return listed
      .map(({ name }) => name)
      .filter(isCollectionName)
      .sort();
  }

  ping(): Promise<void> {
    return this.#connection.ping();
  }

  close(): Promise<void> {
    return this.#connection.close();
  }
}

/** Opens the database of one service; connects when it is first asked. @throws {TypeError} for an address that cannot be used */
export function openMongodb(url: string, service: string): Documents {
  return new MongodbDocuments(new MongodbConnection(parseMongodbUrl(url, service), service));
}
