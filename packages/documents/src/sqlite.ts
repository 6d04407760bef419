/** The documents port on node:sqlite: one file per service, for one machine. */
import type { Collection, CollectionSpec, Documents, Identified } from './port.ts';
import { isCollectionName } from './names.ts';
import { parseIndex } from './index-keys.ts';
import { SqliteCollection } from './sqlite-collection.ts';
import { SqliteConnection } from './sqlite-connection.ts';
import { SqliteIndexes } from './sqlite-indexes.ts';

class SqliteDocuments implements Documents {
  readonly #connection: SqliteConnection;
  readonly #indexes: SqliteIndexes;
  readonly #names = new Set<string>();
  readonly #undeclared = new Map<string, CollectionSpec>();
  #declared: Promise<void> | undefined;
  #closed: Promise<void> | undefined;

  constructor(file: string) {
    this.#connection = new SqliteConnection(file, () => this.#indexes.forget());
    this.#indexes = new SqliteIndexes(this.#connection);
  }

  collection<T extends Identified>(name: string, spec: CollectionSpec): Collection<T> {
    if (!isCollectionName(name)) throw new TypeError(`${JSON.stringify(name)} cannot name a collection`);
    if (this.#names.has(name)) throw new TypeError(`the collection ${name} is declared twice`);
    if (spec.indexes !== 'as they are') spec.indexes.forEach(parseIndex);
    this.#names.add(name);
    this.#undeclared.set(name, spec);
    this.#declared = undefined;
    return new SqliteCollection<T>(name, { connection: this.#connection, indexes: this.#indexes, declared: () => this.ready() });
  }

  ready(): Promise<void> {
    this.#declared ??= this.#declare();
    return this.#declared;
  }

  async #declare(): Promise<void> {
    const specs = new Map(this.#undeclared);
    try {
      await this.#connection.write(() => {
        for (const [name, { indexes }] of specs) this.#indexes.declare(name, indexes);
      });
      for (const name of specs.keys()) this.#undeclared.delete(name);
    } catch (error) {
      this.#declared = undefined;
      throw error;
    }
  }

  async names(): Promise<readonly string[]> {
    await this.ready();
    const tables = this.#connection.statement("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all();
    return (tables as unknown as [string][]).map(([name]) => name).filter(isCollectionName);
  }

  async ping(): Promise<void> {
    this.#connection.dataVersion();
  }

  close(): Promise<void> {
    this.#closed ??= this.#connection.close();
    return this.#closed;
  }
}

/** Opens or creates the database `file`; several processes of one machine may do so. */
export function openSqlite(file: string): Documents {
  return new SqliteDocuments(file);
}
