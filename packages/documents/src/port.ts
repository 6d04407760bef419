/**
 * The Documents port: the part of MongoDB's Collection API that Kinora uses, on documents of JSON values.
 * Every adapter keeps exactly these semantics; `test/conformance.ts` is the proof.
 *
 * Single-document atomicity only. Instants are ISO 8601 strings, so they sort alike everywhere.
 */

/** A value that survives JSON unchanged. */
export type JsonValue = string | number | boolean | null | readonly JsonValue[] | { readonly [key: string]: JsonValue | undefined };

/** What every stored document has. `_id` is chosen by the caller and never changes. */
export interface Identified {
  readonly _id: string;
}

/** An index that really exists in the database; a path through an array makes it multikey, and no two paths may lead through different arrays of a document. */
export interface IndexSpec {
  /** Field paths (dotted) in order, `1` ascending, `-1` descending. */
  readonly keys: Readonly<Record<string, 1 | -1>>;
  readonly unique?: boolean;
  /** Leaves out documents that lack the first key: small indexes for rare states, unique over optional fields. */
  readonly sparse?: boolean;
}

export interface CollectionSpec {
  /** `'as they are'` neither makes nor drops indexes: for tools that open a collection which a service declares. */
  readonly indexes: readonly IndexSpec[] | 'as they are';
}

/** Operators that a filter may use; anything else is refused with `UnsupportedQueryError`. */
export interface FilterOperators {
  readonly $eq?: JsonValue;
  readonly $ne?: JsonValue;
  readonly $gt?: JsonValue;
  readonly $gte?: JsonValue;
  readonly $lt?: JsonValue;
  readonly $lte?: JsonValue;
  readonly $in?: readonly JsonValue[];
  readonly $nin?: readonly JsonValue[];
  readonly $exists?: boolean;
  readonly $size?: number;
  readonly $all?: readonly JsonValue[];
  readonly $regex?: string;
  readonly $options?: string;
  readonly $not?: FilterOperators;
  readonly $elemMatch?: Filter;
}

/** Field path (dotted) → value or operators, and `$and`, `$or`, `$nor` over filters. */
export interface Filter {
  readonly $and?: readonly Filter[];
  readonly $or?: readonly Filter[];
  readonly $nor?: readonly Filter[];
  readonly [path: string]: JsonValue | FilterOperators | readonly Filter[] | undefined;
}

type Paths<V = unknown> = Readonly<Record<string, V>>;

/** Update operators, with MongoDB's meaning. `$pull` takes a value or a filter on the elements. */
export interface Update {
  readonly $set?: Paths;
  readonly $unset?: Paths;
  readonly $inc?: Paths<number>;
  readonly $max?: Paths;
  readonly $min?: Paths;
  /** A value, or `{ $each: [...], $slice?: number }`. */
  readonly $push?: Paths;
  readonly $pull?: Paths;
  /** A value, or `{ $each: [...] }`. */
  readonly $addToSet?: Paths;
  readonly $setOnInsert?: Paths;
}

export interface FindOptions {
  /** Field path → direction; ties are broken by `_id` ascending only when `_id` is named. */
  readonly sort?: Readonly<Record<string, 1 | -1>>;
  /** Most documents to return. Default 1000, so that no caller reads a collection into memory by accident. */
  readonly limit?: number;
  readonly skip?: number;
  readonly signal?: AbortSignal;
}

export interface UpdateResult {
  readonly matchedCount: number;
  readonly modifiedCount: number;
  /** True when an upsert inserted a document. */
  readonly upserted: boolean;
}

export interface Collection<T extends Identified> {
  readonly name: string;
  findOne(filter: Filter, options?: Omit<FindOptions, 'limit'>): Promise<T | undefined>;
  find(filter: Filter, options?: FindOptions): Promise<T[]>;
  /** Every match in batches, `_id` order, reading no more than `batchSize` (default 500) at once; sees each document that exists throughout exactly once. */
  scan(filter: Filter, options?: { readonly batchSize?: number; readonly signal?: AbortSignal }): AsyncIterable<T>;
  /**
   * @throws {DuplicateKeyError} when `_id` or a unique index is taken
   * @throws {TypeError} for what is no JSON document
   * @throws {RangeError} for one larger than 16 MiB
   */
  insertOne(document: T): Promise<void>;
  /**
   * Inserts all of them or, when one is refused, none. Others may see some of them meanwhile, or wait: some thousand documents at once are enough.
   * @throws {DuplicateKeyError} also when two of them share a key
   */
  insertMany(documents: readonly T[]): Promise<void>;
  /** @throws {DuplicateKeyError} */
  updateOne(filter: Filter, update: Update, options?: { readonly upsert?: boolean }): Promise<UpdateResult>;
  updateMany(filter: Filter, update: Update): Promise<UpdateResult>;
  /**
   * Updates the first match atomically and returns it as it is afterwards (`returns: 'after'`, the default) or was before.
   * `sort` decides which is first. With `upsert` and no match the inserted document is returned for 'after'.
   * @throws {DuplicateKeyError}
   */
  findOneAndUpdate(
    filter: Filter,
    update: Update,
    options?: { readonly upsert?: boolean; readonly returns?: 'before' | 'after'; readonly sort?: FindOptions['sort'] },
  ): Promise<T | undefined>;
  /** Number of documents deleted: 0 or 1. */
  deleteOne(filter: Filter): Promise<number>;
  deleteMany(filter: Filter): Promise<number>;
  countDocuments(filter: Filter): Promise<number>;
}

/** One service's database. */
export interface Documents {
  /** Declares a collection and its indexes. Call once per name while the service starts; the indexes exist when `ready` resolves. */
  collection<T extends Identified>(name: string, spec: CollectionSpec): Collection<T>;
  /** Resolves when the database answers and every declared index exists. */
  ready(): Promise<void>;
  /** Names of the collections that exist, sorted, whoever declared them. A declared one exists when `ready` has resolved. */
  names(): Promise<readonly string[]>;
  /** Throws when the database does not answer; for readiness probes. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** A unique index or `_id` holds this key already. Same from every adapter. */
export class DuplicateKeyError extends Error {
  override readonly name = 'DuplicateKeyError';
  readonly collection: string;
  /** Paths of the index that refused, e.g. `['email']`. */
  readonly keys: readonly string[];
  constructor(collection: string, keys: readonly string[], options?: ErrorOptions) {
    super(`duplicate key in ${collection}: ${keys.join(', ')}`, options);
    this.collection = collection;
    this.keys = keys;
  }
}

/** The database does not answer, or not now; what was asked of it may have been done. Only from a database behind a network. */
export class DocumentStoreError extends Error {
  override readonly name = 'DocumentStoreError';
}

/** The query uses something the port does not offer. */
export class UnsupportedQueryError extends Error {
  override readonly name = 'UnsupportedQueryError';
}
