/** One collection in MongoDB. Filters, updates and documents are checked as every adapter does before its driver sees them. */
import type { Collection as NativeCollection, Document } from 'mongodb';
import type { Collection, Filter, FindOptions, Identified, Update, UpdateResult } from './port.ts';
import { parseFilter, type Condition } from './filter.ts';
import { DEFAULT_BATCH, DEFAULT_LIMIT, MAX_DOCUMENT_BYTES, wholeNumber } from './limits.ts';
import type { MongodbConnection } from './mongodb-connection.ts';
import { isDuplicate, portError } from './mongodb-errors.ts';
import { nativeFilter, nativeUpdate } from './mongodb-query.ts';
import { parsePath } from './paths.ts';
import { parseSort, type SortKey } from './sort.ts';
import { checkUpsert, parseUpdate, type Change } from './update-check.ts';
import { idOf, isObject, toJson } from './values.ts';

/** Most documents that a batch of an answer brings; MongoDB also ends a batch at 16 MiB. */
const MAX_BATCH = 10_000;

type Stored = Document & Identified;
type Native = NativeCollection<Stored>;
type SizeOf = (document: object) => number;

/** What a collection works with. */
export interface MongodbContext {
  readonly connection: MongodbConnection;
  /** Resolves when the declared indexes exist. */
  readonly declared: () => Promise<void>;
  /** Paths of the collection's indexes by their names. */
  readonly indexPaths: (collection: string) => ReadonlyMap<string, readonly string[]>;
}

export class MongodbCollection<T extends Identified> implements Collection<T> {
  readonly name: string;
  readonly #context: MongodbContext;

  constructor(name: string, context: MongodbContext) {
    this.name = name;
    this.#context = context;
  }

  async #call<R>(work: (native: Native, sizeOf: SizeOf) => Promise<R>, signal?: AbortSignal): Promise<R> {
    await this.#context.declared();
    signal?.throwIfAborted();
    try {
      return await this.#context.connection.call(({ db, sizeOf }) => work(db.collection<Stored>(this.name), sizeOf), { signal });
    } catch (error) {
      throw portError(error, this.name, this.#context.indexPaths(this.name));
    }
  }

  async findOne(filter: Filter, options: Omit<FindOptions, 'limit'> = {}): Promise<T | undefined> {
    const [first] = await this.find(filter, { ...options, limit: 1 });
    return first;
  }

  async find(filter: Filter, options: FindOptions = {}): Promise<T[]> {
    const limit = wholeNumber('limit', options.limit, DEFAULT_LIMIT);
    const skip = wholeNumber('skip', options.skip, 0);
    return this.#find(parseFilter(filter), parseSort(options.sort), { limit, skip }, options.signal);
  }

  async #find(
    condition: Condition,
    sort: readonly SortKey[],
    { limit, skip }: { readonly limit: number; readonly skip: number },
    signal: AbortSignal | undefined,
  ): Promise<T[]> {
    // MongoDB takes a limit of 0 for none.
    if (limit === 0) return [];
    const options = { ...sorted(sort), limit, skip, batchSize: Math.min(limit, MAX_BATCH), maxTimeMS: this.#context.connection.answerMs };
    const found = await this.#call((native) => native.find(nativeFilter(condition), options).toArray(), signal);
    return found as unknown[] as T[];
  }

  async *scan(filter: Filter, options: { readonly batchSize?: number; readonly signal?: AbortSignal } = {}): AsyncGenerator<T> {
    const condition = parseFilter(filter);
    const limit = Math.max(1, wholeNumber('batchSize', options.batchSize, DEFAULT_BATCH));
    const path = parsePath('_id');
    let batch: T[];
    let rest = condition;
    // A query for each batch: unlike a cursor of the server it survives the server, and a reader who takes his time.
    do {
      options.signal?.throwIfAborted();
      batch = await this.#find(rest, [{ path, direction: 1 }], { limit, skip: 0 }, options.signal);
      yield* batch;
      rest = { kind: 'and', parts: [condition, { kind: 'field', path, test: { op: 'gt', value: batch.at(-1)?._id ?? '' } }] };
    } while (batch.length === limit);
  }

  async insertOne(document: T): Promise<void> {
    const copy = storedCopy(document);
    await this.#call((native, sizeOf) => native.insertOne(fitting(copy, sizeOf)));
  }

  async insertMany(documents: readonly T[]): Promise<void> {
    const copies = documents.map(storedCopy);
    if (copies.length === 0) return this.#context.declared();
    await this.#call(async (native, sizeOf) => {
      copies.forEach((copy) => fitting(copy, sizeOf));
      try {
        await native.insertMany(copies, { ordered: true });
      } catch (error) {
        const inserted = copies.slice(0, insertedBefore(error)).map(({ _id }) => _id);
        if (inserted.length > 0) await native.deleteMany({ _id: { $in: inserted } });
        throw error;
      }
    });
  }

  async updateOne(filter: Filter, update: Update, options: { readonly upsert?: boolean } = {}): Promise<UpdateResult> {
    const upsert = options.upsert ?? false;
    const { condition, changes } = checked(filter, update, options);
    const result = await this.#change(upsert, (native) => native.updateOne(nativeFilter(condition), nativeUpdate(changes), { upsert }));
    return { matchedCount: result.matchedCount, modifiedCount: result.modifiedCount, upserted: result.upsertedCount > 0 };
  }

  async findOneAndUpdate(
    filter: Filter,
    update: Update,
    options: { readonly upsert?: boolean; readonly returns?: 'before' | 'after'; readonly sort?: FindOptions['sort'] } = {},
  ): Promise<T | undefined> {
    const { condition, changes, sort } = checked(filter, update, options);
    const upsert = options.upsert ?? false;
    const native = { ...sorted(sort), upsert, returnDocument: options.returns ?? 'after' };
    const found = await this.#change(upsert, (collection) =>
      collection.findOneAndUpdate(nativeFilter(condition), nativeUpdate(changes), native),
    );
    return (found ?? undefined) as unknown as T | undefined;
  }

  /** Two upserts at once may both find nothing and both insert: who comes second is asked again, and finds the other's document. */
  async #change<R>(upsert: boolean, work: (native: Native) => Promise<R>): Promise<R> {
    return this.#call(async (native) => {
      try {
        return await work(native);
      } catch (error) {
        if (!upsert || !isDuplicate(error)) throw error;
        return work(native);
      }
    });
  }

  async updateMany(filter: Filter, update: Update): Promise<UpdateResult> {
    const { condition, changes } = checked(filter, update, {});
    const { matchedCount, modifiedCount } = await this.#call((native) => native.updateMany(nativeFilter(condition), nativeUpdate(changes)));
    return { matchedCount, modifiedCount, upserted: false };
  }

  async deleteOne(filter: Filter): Promise<number> {
    const condition = parseFilter(filter);
    return (await this.#call((native) => native.deleteOne(nativeFilter(condition)))).deletedCount;
  }

  async deleteMany(filter: Filter): Promise<number> {
    const condition = parseFilter(filter);
    return (await this.#call((native) => native.deleteMany(nativeFilter(condition)))).deletedCount;
  }

  async countDocuments(filter: Filter): Promise<number> {
    const condition = parseFilter(filter);
    const maxTimeMS = this.#context.connection.answerMs;
    return this.#call((native) => native.countDocuments(nativeFilter(condition), { maxTimeMS }));
  }
}

interface Checked {
  readonly condition: Condition;
  readonly changes: readonly Change[];
  readonly sort: readonly SortKey[];
}

/** @throws {UnsupportedQueryError} */
function checked(filter: Filter, update: Update, options: { readonly upsert?: boolean; readonly sort?: FindOptions['sort'] }): Checked {
  const condition = parseFilter(filter);
  const changes = parseUpdate(update);
  const sort = parseSort(options.sort);
  if (options.upsert) checkUpsert(condition, changes);
  return { condition, changes, sort };
}

/** The sort as the driver takes it; a map keeps its order whatever the names. */
function sorted(sort: readonly SortKey[]): { sort?: Map<string, 1 | -1> } {
  return sort.length === 0 ? {} : { sort: new Map(sort.map(({ path, direction }) => [path.name, direction])) };
}

/** @throws {TypeError} for what is no document */
function storedCopy(document: unknown): Stored {
  const copy = toJson(document, 'document');
  if (!isObject(copy)) throw new TypeError('a document is an object');
  return { ...copy, _id: idOf(copy) };
}

/** @throws {RangeError} */
function fitting(document: Stored, sizeOf: SizeOf): Stored {
  if (sizeOf(document) > MAX_DOCUMENT_BYTES) throw new RangeError(`a document is larger than ${MAX_DOCUMENT_BYTES} bytes`);
  return document;
}

/** How many documents of an ordered insert were inserted: those before the one that was refused. */
function insertedBefore(error: unknown): number {
  const refused: unknown = error instanceof Error && 'writeErrors' in error ? [error.writeErrors].flat()[0] : undefined;
  return isObject(refused) && typeof refused['index'] === 'number' ? refused['index'] : 0;
}
