import type { Collection, CollectionSpec, Filter, Identified, JsonValue } from '../../src/index.ts';
import type { Database } from '../conformance.ts';

/** A document of any shape. */
export interface Record extends Identified {
  readonly [field: string]: JsonValue | undefined;
}

let collections = 0;

/** A collection of its own for one test, holding `records`. */
export async function collectionOf(
  database: Database,
  records: readonly Record[] = [],
  indexes: CollectionSpec['indexes'] = [],
): Promise<Collection<Record>> {
  collections++;
  const { documents } = database();
  const collection = documents.collection<Record>(`records_${collections}`, { indexes });
  await documents.ready();
  await Promise.all(records.map((record) => collection.insertOne(record)));
  return collection;
}

/** The ids of the matches, sorted. */
export async function idsOf(collection: Collection<Record>, filter: Filter): Promise<string[]> {
  return (await collection.find(filter)).map(({ _id }) => _id).sort();
}
