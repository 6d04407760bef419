/**
 * Declared indexes in MongoDB. Replicas of two releases declare at the same time during an update, so no start drops an index at once: it notes in
 * `kinora_indexes` since when the index is not declared, a start that declares it takes the note away, and a start that finds a note older than
 * a day drops the index. Only indexes called `kinora_…` are ever dropped: others are the operator's.
 */
import { createHash } from 'node:crypto';
import type { Db } from 'mongodb';
import { parseIndex } from './index-keys.ts';
import { isServerError } from './mongodb-errors.ts';
import type { CollectionSpec, IndexSpec } from './port.ts';

const NOTES = 'kinora_indexes';
const OURS = 'kinora_';
const KEPT_MS = 24 * 3_600_000;
/** An index of a large collection takes longer than a call may. */
const BUILD_MS = 30 * 60_000;
const INDEX_NOT_FOUND = 27;
const COMMAND_NOT_FOUND = 59;
const NAMESPACE_EXISTS = 48;
const DUPLICATE_KEY = 11000;

/** An index as MongoDB is told of it. */
export interface NativeIndex {
  /** Equal names are equal indexes. */
  readonly name: string;
  readonly key: ReadonlyMap<string, 1 | -1>;
  readonly unique?: true;
  readonly partialFilterExpression?: Readonly<Record<string, unknown>>;
}

/** An index as MongoDB lists it. */
interface Listed {
  readonly name: string;
  readonly key: Readonly<Record<string, unknown>>;
  readonly unique?: boolean;
  readonly partialFilterExpression?: unknown;
}

interface Note {
  readonly _id: string;
  readonly undeclaredAt: string;
}

/**
 * The index that keeps what the port promises. `sparse` of MongoDB is something else: it leaves out documents that lack every key.
 * Without `takesId`, `_id` ends no index: it only saves sorting.
 */
export function nativeIndex(spec: IndexSpec, takesId: boolean): NativeIndex {
  const { paths, directions, unique, sparse } = parseIndex(spec);
  const keys = paths.map(({ name }, i) => [name, directions[i] ?? 1] as const);
  const key = new Map(keys.filter(([name], i) => i === 0 || name !== '_id' || takesId || unique));
  const flags = [...(unique ? ['unique'] : []), ...(sparse ? ['sparse'] : [])];
  return {
    name: indexName([...key].flat().concat(flags)),
    key,
    ...(unique ? { unique } : {}),
    ...(sparse ? { partialFilterExpression: { [paths[0]?.name ?? '']: { $exists: true } } } : {}),
  };
}

/** Readable, of plain characters only, and another one for every other index. */
function indexName(facts: readonly (string | number)[]): string {
  const hash = createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 8);
  return `${OURS}${facts.join('_').replace(/[^\w.-]/g, '')}_${hash}`;
}

/** How to reach the server: rejects after a call's deadline. */
export type Ask = <R>(work: (db: Db) => Promise<R>) => Promise<R>;

/** Makes the collection and its declared indexes. Gives the paths of every index by its name, for errors that name an index. */
export async function declareIndexes(
  ask: Ask,
  collection: string,
  specs: CollectionSpec['indexes'],
): Promise<ReadonlyMap<string, readonly string[]>> {
  await ask((db) => db.createCollection(collection)).catch(except(NAMESPACE_EXISTS));
  if (specs !== 'as they are') {
    const takesId = await isMongodb(ask);
    const declared = specs.map((spec) => nativeIndex(spec, takesId)).filter(({ key }) => key.size > 1 || key.get('_id') !== 1);
    const noted = declared.map(({ name }) => noteId(collection, name));
    if (noted.length > 0) await ask((db) => notes(db).deleteMany({ _id: { $in: noted } }));
    const existing = await list(ask, collection);
    const missing = declared.filter((index) => !existing.some((known) => isSame(known, index)));
    if (missing.length > 0) await build(ask, collection, missing);
    const names = new Set(declared.map(({ name }) => name));
    for (const { name } of existing) if (name.startsWith(OURS) && !names.has(name)) await retire(ask, collection, name);
  }
  return new Map((await list(ask, collection)).map(({ name, key }) => [name, Object.keys(key)]));
}

/** Not every server that speaks MongoDB's protocol can have `_id` beside other keys in an index. MongoDB tells the version of its topology. */
async function isMongodb(ask: Ask): Promise<boolean> {
  const hello = await ask((db) => db.command({ hello: 1 })).catch(except(COMMAND_NOT_FOUND));
  return hello?.['topologyVersion'] !== undefined;
}

const notes = (db: Db) => db.collection<Note>(NOTES);
const noteId = (collection: string, index: string): string => `${collection} ${index}`;
const list = (ask: Ask, collection: string): Promise<Listed[]> =>
  ask((db) => db.collection(collection).listIndexes().toArray()) as Promise<Listed[]>;

/** Swallows the server's error of this code. */
function except(code: number): (error: unknown) => undefined {
  return (error) => {
    if (!isServerError(error) || error.code !== code) throw error;
    return undefined;
  };
}

/** Whether they do the same, whatever their names: MongoDB refuses to have an index twice. */
function isSame(listed: Listed, { name, key, unique, partialFilterExpression }: NativeIndex): boolean {
  if (listed.name === name) return true;
  const facts = (keys: Iterable<readonly [string, unknown]>, isUnique: boolean, partial: unknown) =>
    JSON.stringify([[...keys], isUnique, partial ?? null]);
  return (
    facts(Object.entries(listed.key), listed.unique ?? false, listed.partialFilterExpression) ===
    facts(key, unique ?? false, partialFilterExpression)
  );
}

/** Resolves when the indexes are there. A call that ends meanwhile does not stop the server: asked again, it waits for the index under way. */
async function build(ask: Ask, collection: string, indexes: readonly NativeIndex[]): Promise<void> {
  const giveUpAt = Date.now() + BUILD_MS;
  for (;;) {
    try {
      await ask((db) => db.command({ createIndexes: collection, indexes }));
      return;
    } catch (error) {
      if (!(error instanceof Error) || error.name !== 'MongoNetworkTimeoutError' || Date.now() > giveUpAt) throw error;
    }
  }
}

/** Notes that the index is not declared, or drops it when that is noted for long. Who takes the old note away drops the index: one replica only. */
async function retire(ask: Ask, collection: string, index: string): Promise<void> {
  const _id = noteId(collection, index);
  const now = Date.now();
  await ask((db) => notes(db).insertOne({ _id, undeclaredAt: new Date(now).toISOString() })).catch(except(DUPLICATE_KEY));
  const old = { _id, undeclaredAt: { $lt: new Date(now - KEPT_MS).toISOString() } };
  const { deletedCount } = await ask((db) => notes(db).deleteOne(old));
  if (deletedCount === 1) await ask((db) => db.command({ dropIndexes: collection, index })).catch(except(INDEX_NOT_FOUND));
}
