/**
 * Declared indexes as SQLite b-trees. An index is a table without rowids whose primary key is (keys…, document number): what MongoDB keeps,
 * including one entry per array element, kept up in the transaction that writes the document. `kinora_indexes` lists them for all processes.
 */
import { DuplicateKeyError, type CollectionSpec, type IndexSpec } from './port.ts';
import { documentKeys, entriesWithout, parseIndex, type Entry, type KeyPaths } from './index-keys.ts';
import { quoted, sqliteCode, type SqliteConnection } from './sqlite-connection.ts';
import type { JsonObject } from './values.ts';

/** An index that exists. */
export interface SqliteIndex extends KeyPaths {
  readonly id: number;
  /** Quoted name of its table. */
  readonly table: string;
  readonly collection: string;
  /** The declaration in one spelling. */
  readonly spec: string;
  /** Bit i is set once any document led through an array on path i. */
  multikey: number;
}

const CONSTRAINT_PRIMARY_KEY = 1555;
const CONSTRAINT_UNIQUE = 2067;

/** Whether SQLite refused a duplicate. */
export function isDuplicate(error: unknown): boolean {
  const code = sqliteCode(error);
  return code === CONSTRAINT_PRIMARY_KEY || code === CONSTRAINT_UNIQUE;
}

function specText(spec: IndexSpec): string {
  return JSON.stringify({ keys: spec.keys, unique: spec.unique ?? false, sparse: spec.sparse ?? false });
}

export class SqliteIndexes {
  readonly #connection: SqliteConnection;
  #indexes = new Map<string, SqliteIndex[]>();
  #dataVersion = -1;

  constructor(connection: SqliteConnection) {
    this.#connection = connection;
  }

  /** Forgets what is known, after a rollback. */
  forget(): void {
    this.#dataVersion = -1;
  }

  /** The indexes of a collection as they are now, also when another process has changed them. */
  of(collection: string): readonly SqliteIndex[] {
    const version = this.#connection.dataVersion();
    if (version !== this.#dataVersion) this.#read(version);
    return this.#indexes.get(collection) ?? [];
  }

  #read(version: number): void {
    const rows = this.#connection.statement('SELECT id, collection, spec, multikey FROM kinora_indexes ORDER BY id').all();
    this.#indexes = new Map();
    for (const row of rows as unknown as [number, string, string, number][]) {
      const [id, collection, spec, multikey] = row;
      const parsed = parseIndex(JSON.parse(spec) as IndexSpec);
      const index = { ...parsed, id, collection, spec, multikey, table: quoted(tableName(id, collection, parsed)) };
      this.#indexes.set(collection, [...(this.#indexes.get(collection) ?? []), index]);
    }
    this.#dataVersion = version;
  }

  /** Makes the collection's table and exactly the declared indexes, filled from its documents. Runs in a write transaction. */
  declare(collection: string, specs: CollectionSpec['indexes']): void {
    this.#connection.exec(
      'CREATE TABLE IF NOT EXISTS kinora_indexes (id INTEGER PRIMARY KEY, collection TEXT NOT NULL, spec TEXT NOT NULL, multikey INTEGER NOT NULL);' +
        `CREATE TABLE IF NOT EXISTS ${quoted(collection)} (n INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, doc TEXT NOT NULL)`,
    );
    this.forget();
    if (specs === 'as they are') return;
    const wanted = new Set(specs.map(specText));
    for (const index of this.of(collection)) {
      if (!wanted.delete(index.spec)) this.#drop(index);
    }
    for (const spec of wanted) this.#create(collection, spec);
    this.forget();
  }

  #drop(index: SqliteIndex): void {
    this.#connection.exec(`DROP TABLE ${index.table}`);
    this.#connection.statement('DELETE FROM kinora_indexes WHERE id = ?').run(index.id);
  }

  #create(collection: string, spec: string): void {
    const parsed = parseIndex(JSON.parse(spec) as IndexSpec);
    const { lastInsertRowid } = this.#connection
      .statement('INSERT INTO kinora_indexes (collection, spec, multikey) VALUES (?, ?, 0)')
      .run(collection, spec);
    const id = Number(lastInsertRowid);
    const index = { ...parsed, id, collection, spec, multikey: 0, table: quoted(tableName(id, collection, parsed)) };
    const columns = parsed.paths.map((_, i) => `k${i} NOT NULL`).join(', ');
    const order = parsed.directions.map((direction, i) => `k${i}${direction === -1 ? ' DESC' : ''}`).join(', ');
    const key = parsed.unique ? order : `${order}, n`;
    this.#connection.exec(`CREATE TABLE ${index.table} (${columns}, n INTEGER NOT NULL, PRIMARY KEY (${key})) WITHOUT ROWID`);
    const rows = this.#connection.statement(`SELECT n, doc FROM ${quoted(collection)}`).iterate();
    for (const row of rows as unknown as Iterable<[number, string]>) this.#move(index, row[0], undefined, JSON.parse(row[1]) as JsonObject);
  }

  /** Brings every index from the document as it was to the document as it is; undefined for none. @throws {DuplicateKeyError} */
  move(collection: string, n: number, before: JsonObject | undefined, after: JsonObject | undefined): void {
    for (const index of this.of(collection)) this.#move(index, n, before, after);
  }

  #move(index: SqliteIndex, n: number, before: JsonObject | undefined, after: JsonObject | undefined): void {
    const old = before ? documentKeys(index, before) : undefined;
    const now = after ? documentKeys(index, after) : undefined;
    if (now) this.#noteMultikey(index, now.multikey);
    for (const entry of entriesWithout(old?.entries ?? [], now?.entries ?? [])) this.#remove(index, n, entry);
    for (const entry of entriesWithout(now?.entries ?? [], old?.entries ?? [])) this.#add(index, n, entry);
  }

  #remove(index: SqliteIndex, n: number, entry: Entry): void {
    const where = entry.map((_, i) => `k${i} = ?`).join(' AND ');
    this.#connection.statement(`DELETE FROM ${index.table} WHERE ${where} AND n = ?`).run(...entry, n);
  }

  #add(index: SqliteIndex, n: number, entry: Entry): void {
    try {
      this.#connection.statement(`INSERT INTO ${index.table} VALUES (${'?, '.repeat(entry.length)}?)`).run(...entry, n);
    } catch (error) {
      if (!isDuplicate(error)) throw error;
      const keys = index.paths.map(({ name }) => name);
      throw new DuplicateKeyError(index.collection, keys, { cause: error });
    }
  }

  #noteMultikey(index: SqliteIndex, multikey: number): void {
    if ((index.multikey | multikey) === index.multikey) return;
    index.multikey |= multikey;
    this.#connection.statement('UPDATE kinora_indexes SET multikey = multikey | ? WHERE id = ?').run(multikey, index.id);
  }
}

/** Table names ignore case and paths do not, hence the number. */
function tableName(id: number, collection: string, { paths, directions }: KeyPaths): string {
  const keys = paths.map(({ name }, i) => (directions[i] === -1 ? `${name} desc` : name));
  return `${collection} by ${keys.join(', ')} #${id}`;
}
