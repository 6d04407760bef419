import { beforeAll, expect } from '@jest/globals';
import fc from 'fast-check';
import type { Collection, Filter, JsonValue, Update } from '../../src/index.ts';
import { parseFilter } from '../../src/filter.ts';
import { compileCondition } from '../../src/match.ts';
import { FirstSorted, parseSort } from '../../src/sort.ts';
import { applyChanges } from '../../src/update.ts';
import { parseUpdate } from '../../src/update-check.ts';
import type { JsonObject } from '../../src/values.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import type { Record } from './record.ts';

const scalar: fc.Arbitrary<JsonValue> = fc.constantFrom<JsonValue[]>(null, true, false, 0, 1, 2, -1.5, 'a', 'b', 'Ä', '');
const object: fc.Arbitrary<JsonValue> = fc.dictionary(fc.constantFrom('x', 'y'), scalar, { maxKeys: 2, noNullPrototype: true });
const flat: fc.Arbitrary<JsonValue> = fc.oneof({ weight: 4, arbitrary: scalar }, object);
const any: fc.Arbitrary<JsonValue> = fc.oneof(flat, fc.array(flat, { maxLength: 3 }));

/** At most `a` holds arrays: MongoDB takes no document with arrays on two paths of one index or sort. */
function documentsOf(a: fc.Arbitrary<JsonValue>): fc.Arbitrary<JsonObject[]> {
  const fields = { a, b: flat, c: flat };
  return fc.array(fc.record(fields, { requiredKeys: [], noNullPrototype: true }), {
    minLength: 1,
    maxLength: 12,
  });
}

const path = fc.constantFrom('a', 'b', 'c', 'a.x', 'b.x', 'b.y', '_id');

const operators: fc.Arbitrary<JsonValue> = fc.oneof(
  any,
  fc.record({ $eq: any }),
  fc.record({ $ne: any }),
  fc.record({ $gt: flat }),
  fc.record({ $lte: flat }),
  fc.record({ $gte: scalar, $lt: scalar }),
  fc.record({ $in: fc.array(any, { maxLength: 3 }) }),
  fc.record({ $nin: fc.array(flat, { maxLength: 3 }) }),
  fc.record({ $exists: fc.boolean() }),
  fc.record({ $size: fc.nat(3) }),
  fc.record({ $all: fc.array(scalar, { maxLength: 2 }) }),
  fc.record({ $not: fc.record({ $gt: scalar }) }),
  fc.record({ $elemMatch: fc.record({ x: scalar }) }),
  fc.record({ $elemMatch: fc.record({ $gte: scalar }) }),
);

const fields = fc.dictionary(path, operators, { maxKeys: 3, noNullPrototype: true }) as fc.Arbitrary<Filter>;

/** What a page after (x, y) asks for, in both directions. */
const cursor: fc.Arbitrary<Filter> = fc
  .tuple(fc.constantFrom('a', 'b'), fc.constantFrom('b', 'c', '_id'), scalar, scalar, fc.constantFrom('$lt', '$gt'))
  .map(([first, second, x, y, op]): Filter => ({
    $or: [{ [first]: { [op]: x } }, { [first]: x, [second]: { [op]: second === '_id' ? 'r05' : y } }],
  }));

const filter: fc.Arbitrary<Filter> = fc.oneof(
  { weight: 4, arbitrary: fields },
  { weight: 2, arbitrary: fc.tuple(fields, cursor).map(([one, other]): Filter => ({ ...one, ...other })) },
  fc.array(fields, { minLength: 1, maxLength: 3 }).map((parts): Filter => ({ $or: parts })),
  fc.array(fields, { minLength: 1, maxLength: 3 }).map((parts): Filter => ({ $nor: parts })),
  fc.array(fields, { minLength: 1, maxLength: 3 }).map((parts): Filter => ({ $and: parts })),
);

const direction = fc.constantFrom<(1 | -1)[]>(1, -1);
/** Ends in `_id`, so that the order is total. */
const sort = fc
  .tuple(
    fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'a.x', 'b.y'), { maxLength: 2, selector: (name) => name.charAt(0) }),
    fc.array(direction, { minLength: 3, maxLength: 3 }),
  )
  .map(([paths, directions]) => Object.fromEntries<1 | -1>([...paths, '_id'].map((name, i) => [name, directions[i] ?? 1])));

const update: fc.Arbitrary<Update> = fc.oneof(
  fc.record({ $set: fc.record({ a: any, b: flat, c: flat, 'd.x': any }, { requiredKeys: [], noNullPrototype: true }) }),
  fc.record({ $unset: fc.record({ a: fc.constant('') }) }),
  fc.record({ $inc: fc.record({ b: fc.constantFrom(1, -2.5) }) }),
  fc.record({ $max: fc.record({ a: flat }), $min: fc.record({ c: flat }) }),
  fc.record({ $push: fc.record({ a: fc.record({ $each: fc.array(flat, { maxLength: 2 }), $slice: fc.integer({ min: -2, max: 2 }) }) }) }),
  fc.record({ $addToSet: fc.record({ a: any }) }),
  fc.record({ $pull: fc.record({ a: fc.oneof(flat, fc.record({ $gt: scalar }), fc.record({ x: scalar })) }) }),
);

const indexes = [
  { keys: { a: 1 } },
  { keys: { a: 1, b: -1, _id: -1 } },
  { keys: { b: 1, c: 1, _id: 1 } },
  { keys: { c: -1 }, sparse: true },
  { keys: { 'b.x': 1, 'b.y': 1 } },
  { keys: { 'a.x': 1, _id: 1 }, sparse: true },
] as const;

interface Question {
  readonly filter: Filter;
  readonly sort: { readonly [name: string]: 1 | -1 };
  readonly limit: number;
  readonly skip: number;
}

const question: fc.Arbitrary<Question> = fc.record({ filter, sort, limit: fc.integer({ min: 1, max: 12 }), skip: fc.nat(2) });

function answer(model: ReadonlyMap<string, JsonObject>, { filter, sort, limit, skip }: Question): JsonObject[] {
  const matches = compileCondition(parseFilter(filter));
  const sorted = new FirstSorted(parseSort(sort), limit + skip);
  for (const document of model.values()) if (matches(document)) sorted.add(document);
  return sorted.documents().slice(skip);
}

/** Random documents, filters, sorts and updates against the same in memory. */
export function propertyPromises(database: Database): void {
  describe('any documents', () => {
    const collections: Collection<Record>[] = [];
    beforeAll(async () => {
      const { documents } = database();
      for (const name of ['flat', 'mixed']) collections.push(documents.collection<Record>(`properties_${name}`, { indexes }));
      await documents.ready();
    });

    it.each([
      ['without arrays', 0, documentsOf(flat)],
      ['with arrays', 1, documentsOf(any)],
    ])('%s are found, sorted, limited and counted alike with indexes and in memory, after any updates', async (_, which, contents) => {
      const collection = collections[which];
      if (!collection) throw new Error('no collection');
      const asked = fc.array(question, { minLength: 4, maxLength: 10 });
      const changed = which === 0 ? fc.constant<[Filter, Update][]>([]) : fc.array(fc.tuple(fields, update), { maxLength: 4 });
      const run = (documents: JsonObject[], changes: [Filter, Update][], questions: Question[]) =>
        check(collection, documents, changes, questions);
      await fc.assert(fc.asyncProperty(contents, changed, asked, run), { numRuns: 60 });
    });
  });
}

async function check(
  collection: Collection<Record>,
  contents: JsonObject[],
  changes: [Filter, Update][],
  questions: Question[],
): Promise<void> {
  await collection.deleteMany({});
  const model = new Map<string, JsonObject>(contents.map((fields, i) => [`r${String(i).padStart(2, '0')}`, fields]));
  for (const [_id, fields] of model) model.set(_id, { _id, ...structuredClone(fields) });
  await Promise.all([...model.values()].map((document) => collection.insertOne(document as Record)));
  for (const [filter, change] of changes) await changeBoth(collection, model, filter, change);
  for (const asked of questions) {
    const { filter, ...options } = asked;
    expect(await collection.find(filter, options)).toEqual(answer(model, asked));
    expect(await collection.countDocuments(filter)).toBe(answer(model, { ...asked, skip: 0, limit: 1000 }).length);
  }
}

/** One update of the first match in `_id` order; what the model refuses must be refused. */
async function changeBoth(collection: Collection<Record>, model: Map<string, JsonObject>, filter: Filter, change: Update): Promise<void> {
  const [first] = answer(model, { filter, sort: { _id: 1 }, limit: 1, skip: 0 });
  const made = collection.findOneAndUpdate(filter, change, { sort: { _id: 1 } });
  if (!first) {
    expect(await made).toBeUndefined();
    return;
  }
  const after = structuredClone(first);
  try {
    applyChanges(after, parseUpdate(change));
  } catch {
    await expect(made).rejects.toThrow();
    return;
  }
  expect(await made).toEqual(after);
  model.set(first['_id'] as string, after);
}
