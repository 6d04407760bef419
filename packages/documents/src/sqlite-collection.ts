/** One collection in SQLite: JSON text by `_id`, found through the indexes, the rest of a filter checked while rows stream. */
import { setImmediate as nextTurn } from 'node:timers/promises';
import {
  DuplicateKeyError,
  type Collection,
  type Filter,
  type FindOptions,
  type Identified,
  type Update,
  type UpdateResult,
} from './port.ts';
import { parseFilter, type Condition } from './filter.ts';
import { DEFAULT_BATCH, DEFAULT_LIMIT, wholeNumber } from './limits.ts';
import { compileCondition, type Predicate } from './match.ts';
import { parsePath } from './paths.ts';
import { planQuery, type Plan } from './plan.ts';
import { FirstSorted, parseSort, type SortKey } from './sort.ts';
import { quoted, type SqliteConnection } from './sqlite-connection.ts';
import { isDuplicate, type SqliteIndexes } from './sqlite-indexes.ts';
import { checkUpsert, parseUpdate, type Change } from './update-check.ts';
import { applyChanges, upsertedDocument } from './update.ts';
import { documentText, idOf, isObject, toJson, type JsonObject } from './values.ts';

/** Rows looked through before a scan lets others run. */
const ROWS_PER_TURN = 2000;
/** Documents changed by one commit of `updateMany` or `deleteMany`. */
const MANY_PER_COMMIT = 200;

/** What a collection works with. */
export interface CollectionContext {
  readonly connection: SqliteConnection;
  readonly indexes: SqliteIndexes;
  /** Resolves when the declared indexes exist. */
  readonly declared: () => Promise<void>;
}

interface Row {
  readonly n: number;
  readonly text: string;
  readonly document: JsonObject;
}

export class SqliteCollection<T extends Identified> implements Collection<T> {
  readonly name: string;
  readonly #context: CollectionContext;
  readonly #table: string;

  constructor(name: string, context: CollectionContext) {
    this.name = name;
    this.#context = context;
    this.#table = quoted(name);
  }

  async findOne(filter: Filter, options: Omit<FindOptions, 'limit'> = {}): Promise<T | undefined> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first;
  }

  async find(filter: Filter, options: FindOptions = {}): Promise<T[]> {
    await this.#context.declared();
    options.signal?.throwIfAborted();
    const limit = wholeNumber('limit', options.limit, DEFAULT_LIMIT);
    const skip = wholeNumber('skip', options.skip, 0);
    const found = this.#find(parseFilter(filter), parseSort(options.sort), limit, skip);
    return found as unknown[] as T[];
  }

  #plan(condition: Condition, sort: readonly SortKey[], mustOrder = false): Plan {
    return planQuery(this.name, this.#context.indexes.of(this.name), condition, sort, mustOrder);
  }

  #find(condition: Condition, sort: readonly SortKey[], limit: number, skip: number): JsonObject[] {
    if (limit === 0) return [];
    const plan = this.#plan(condition, sort);
    if (plan.isExact && plan.isOrdered) {
      const sql = `SELECT d.doc ${plan.from}${plan.orderBy} LIMIT ? OFFSET ?`;
      const rows = this.#context.connection.statement(sql).all(...plan.params, limit, skip) as unknown as [string][];
      return rows.map(([text]) => JSON.parse(text) as JsonObject);
    }
    const first = plan.isOrdered ? undefined : new FirstSorted(sort, limit + skip);
    const found: JsonObject[] = [];
    for (const { document } of this.#rows(plan, compileCondition(condition))) {
      if (first) first.add(document);
      else if (found.push(document) >= limit + skip) break;
    }
    return (first?.documents() ?? found).slice(skip);
  }

  /** Matches as they stream from SQLite; stop early to read no further. */
  *#rows(plan: Plan, matches: Predicate): Generator<Row> {
    const seen = plan.hasRepeats ? new Set<number>() : undefined;
    const rows = this.#context.connection.statement(`SELECT d.n, d.doc ${plan.from}${plan.orderBy}`).iterate(...plan.params);
    for (const [n, text] of rows as unknown as Iterable<[number, string]>) {
      if (seen?.has(n)) continue;
      seen?.add(n);
      const document = JSON.parse(text) as JsonObject;
      if (matches(document)) yield { n, text, document };
    }
  }

  async *scan(filter: Filter, options: { readonly batchSize?: number; readonly signal?: AbortSignal } = {}): AsyncGenerator<T> {
    await this.#context.declared();
    const condition = parseFilter(filter);
    const batchSize = Math.max(1, wholeNumber('batchSize', options.batchSize, DEFAULT_BATCH));
    let after: string | undefined;
    do {
      options.signal?.throwIfAborted();
      const batch = this.#scanBatch(condition, after, batchSize);
      yield* batch.found as unknown[] as T[];
      after = batch.after;
      await nextTurn();
    } while (after !== undefined);
  }

  /** Matches that follow `after` in `_id` order, and where to go on; `after` is undefined at the end. */
  #scanBatch(condition: Condition, after: string | undefined, batchSize: number): { found: JsonObject[]; after: string | undefined } {
    const id = parsePath('_id');
    const start: Condition = { kind: 'field', path: id, test: { op: 'gt', value: after ?? '' } };
    const rest: Condition = after === undefined ? condition : { kind: 'and', parts: [condition, start] };
    const plan = this.#plan(rest, [{ path: id, direction: 1 }], true);
    const matches = compileCondition(condition);
    const found: JsonObject[] = [];
    let looked = 0;
    for (const { document } of this.#rows(plan, () => true)) {
      if (matches(document)) found.push(document);
      if (found.length >= batchSize || ++looked >= ROWS_PER_TURN) return { found, after: idOf(document) };
    }
    return { found, after: undefined };
  }

  async insertOne(document: T): Promise<void> {
    return this.insertMany([document]);
  }

  async insertMany(documents: readonly T[]): Promise<void> {
    await this.#context.declared();
    const copies = documents.map((document) => {
      const copy = toJson(document, 'document');
      if (!isObject(copy)) throw new TypeError('a document is an object');
      return copy;
    });
    await this.#context.connection.write(() => copies.forEach((copy) => this.#insert(copy)));
  }

  #insert(document: JsonObject): void {
    const id = idOf(document);
    let n: number;
    try {
      const sql = `INSERT INTO ${this.#table} (id, doc) VALUES (?, ?)`;
      n = Number(this.#context.connection.statement(sql).run(id, documentText(document)).lastInsertRowid);
    } catch (error) {
      throw isDuplicate(error) ? new DuplicateKeyError(this.name, ['_id'], { cause: error }) : error;
    }
    this.#context.indexes.move(this.name, n, undefined, document);
  }

  async updateOne(filter: Filter, update: Update, options: { readonly upsert?: boolean } = {}): Promise<UpdateResult> {
    const { before, after, upserted } = await this.#updateFirst(filter, update, { ...options });
    return { matchedCount: before === undefined ? 0 : 1, modifiedCount: before === undefined || before === after ? 0 : 1, upserted };
  }

  async findOneAndUpdate(
    filter: Filter,
    update: Update,
    options: { readonly upsert?: boolean; readonly returns?: 'before' | 'after'; readonly sort?: FindOptions['sort'] } = {},
  ): Promise<T | undefined> {
    const { before, after } = await this.#updateFirst(filter, update, options);
    const text = options.returns === 'before' ? before : after;
    return text === undefined ? undefined : (JSON.parse(text) as T);
  }

  /** The text of the first match before and after the update; `before` is undefined when there was none. */
  async #updateFirst(
    filter: Filter,
    update: Update,
    options: { readonly upsert?: boolean; readonly sort?: FindOptions['sort'] },
  ): Promise<{ before?: string; after?: string; upserted: boolean }> {
    const condition = parseFilter(filter);
    const changes = parseUpdate(update);
    const sort = parseSort(options.sort);
    if (options.upsert) checkUpsert(condition, changes);
    await this.#context.declared();
    return this.#context.connection.write(() => {
      const row = this.#first(condition, sort);
      if (row) return { before: row.text, after: this.#change(row, changes), upserted: false };
      if (!options.upsert) return { upserted: false };
      const document = upsertedDocument(condition, changes);
      this.#insert(document);
      return { after: documentText(document), upserted: true };
    });
  }

  #first(condition: Condition, sort: readonly SortKey[]): Row | undefined {
    const plan = this.#plan(condition, sort);
    if (plan.isOrdered) {
      for (const row of this.#rows(plan, compileCondition(condition))) return row;
      return undefined;
    }
    const [first] = this.#find(condition, sort, 1, 0);
    return first && this.#first({ kind: 'field', path: parsePath('_id'), test: { op: 'eq', value: idOf(first) } }, []);
  }

  /** Writes the changed document and returns its text. */
  #change(row: Row, changes: readonly Change[]): string {
    applyChanges(row.document, changes);
    const text = documentText(row.document);
    if (text === row.text) return text;
    this.#context.connection.statement(`UPDATE ${this.#table} SET doc = ? WHERE n = ?`).run(text, row.n);
    this.#context.indexes.move(this.name, row.n, JSON.parse(row.text) as JsonObject, row.document);
    return text;
  }

  async updateMany(filter: Filter, update: Update): Promise<UpdateResult> {
    const changes = parseUpdate(update);
    let modifiedCount = 0;
    const matchedCount = await this.#forMany(filter, (row) => {
      if (this.#change(row, changes) !== row.text) modifiedCount++;
    });
    return { matchedCount, modifiedCount, upserted: false };
  }

  async deleteOne(filter: Filter): Promise<number> {
    const condition = parseFilter(filter);
    await this.#context.declared();
    return this.#context.connection.write(() => {
      const row = this.#first(condition, []);
      if (row) this.#delete(row);
      return row ? 1 : 0;
    });
  }

  async deleteMany(filter: Filter): Promise<number> {
    return this.#forMany(filter, (row) => this.#delete(row));
  }

  #delete(row: Row): void {
    this.#context.connection.statement(`DELETE FROM ${this.#table} WHERE n = ?`).run(row.n);
    this.#context.indexes.move(this.name, row.n, row.document, undefined);
  }

  /** Calls `act` for every match, several to a commit, and returns how many there were. One that ceased to match meanwhile is left alone. */
  async #forMany(filter: Filter, act: (row: Row) => void): Promise<number> {
    const condition = parseFilter(filter);
    const matches = compileCondition(condition);
    await this.#context.declared();
    const numbers = Array.from(this.#rows(this.#plan(condition, []), matches), ({ n }) => n);
    let count = 0;
    for (let at = 0; at < numbers.length; at += MANY_PER_COMMIT) {
      count += await this.#context.connection.write(() => this.#actOn(numbers.slice(at, at + MANY_PER_COMMIT), matches, act));
    }
    return count;
  }

  #actOn(numbers: readonly number[], matches: Predicate, act: (row: Row) => void): number {
    let count = 0;
    for (const n of numbers) {
      const found = this.#context.connection.statement(`SELECT doc FROM ${this.#table} WHERE n = ?`).get(n) as unknown as
        [string] | undefined;
      if (!found) continue;
      const row = { n, text: found[0], document: JSON.parse(found[0]) as JsonObject };
      if (!matches(row.document)) continue;
      act(row);
      count++;
    }
    return count;
  }

  async countDocuments(filter: Filter): Promise<number> {
    await this.#context.declared();
    const condition = parseFilter(filter);
    const plan = this.#plan(condition, []);
    if (plan.isExact) {
      const [count] = this.#context.connection.statement(`SELECT count(*) ${plan.countFrom}`).get(...plan.params) as unknown as [number];
      return count;
    }
    let count = 0;
    for (const _ of this.#rows(plan, compileCondition(condition))) count++;
    return count;
  }
}
