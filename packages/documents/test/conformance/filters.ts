import { expect } from '@jest/globals';
import { UnsupportedQueryError, type Filter } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, idsOf, type Record } from './record.ts';

const records: readonly Record[] = [
  { _id: 'n1', v: 1, w: 'x' },
  { _id: 'n2', v: 2, w: 'y' },
  { _id: 's1', v: '1' },
  { _id: 'sAbc', v: 'Abc\ndef' },
  { _id: 't', v: true },
  { _id: 'f', v: false, w: 'line\n' },
  { _id: 'null', v: null, w: 'a\u00a0b' },
  { _id: 'missing', w: 'z' },
  { _id: 'o', v: { a: 1, b: null } },
  { _id: 'o2', v: { b: null, a: 1 } },
];

const cases: readonly (readonly [string, Filter, readonly string[]])[] = [
  ['equality of the same type only', { v: 1 }, ['n1']],
  ['equality of objects field by field in order', { v: { a: 1, b: null } }, ['o']],
  ['null for missing fields too', { v: null }, ['missing', 'null']],
  [
    'null through scalars, objects without the field, and missing parents',
    { 'v.a.b': null },
    ['f', 'missing', 'n1', 'n2', 'null', 'o', 'o2', 's1', 'sAbc', 't'],
  ],
  ['nested fields', { 'v.a': 1 }, ['o', 'o2']],
  ['$ne, missing fields included', { v: { $ne: 1 } }, ['f', 'missing', 'n2', 'null', 'o', 'o2', 's1', 'sAbc', 't']],
  ['$ne null', { w: { $ne: null } }, ['f', 'missing', 'n1', 'n2', 'null']],
  ['ranges of numbers', { v: { $gt: 0 } }, ['n1', 'n2']],
  ['ranges of numbers with both ends', { v: { $gte: 1, $lt: 2 } }, ['n1']],
  ['ranges of strings', { v: { $gte: '1' } }, ['s1', 'sAbc']],
  ['ranges of strings from below', { v: { $lt: 'A' } }, ['s1']],
  ['ranges of booleans', { v: { $gt: false } }, ['t']],
  ['ranges of booleans from below', { v: { $lte: true } }, ['f', 't']],
  ['$gte null as equality with null', { v: { $gte: null } }, ['missing', 'null']],
  ['$gt null as nothing', { v: { $gt: null } }, []],
  ['$in', { v: { $in: [1, true, 'none'] } }, ['n1', 't']],
  ['$in with null', { v: { $in: [2, null] } }, ['missing', 'n2', 'null']],
  ['$in of nothing', { v: { $in: [] } }, []],
  ['$nin', { v: { $nin: [1, 2, null, true, false] } }, ['o', 'o2', 's1', 'sAbc']],
  ['$exists true, null included', { v: { $exists: true } }, ['f', 'n1', 'n2', 'null', 'o', 'o2', 's1', 'sAbc', 't']],
  ['$exists false', { v: { $exists: false } }, ['missing']],
  ['$regex', { v: { $regex: '^Abc$' } }, []],
  ['$regex with options', { v: { $regex: '^abc$', $options: 'im' } }, ['sAbc']],
  ['$regex with the end of the whole string only', { v: { $regex: 'c$' } }, []],
  ['$regex with a dot that stops at the end of the line', { v: { $regex: 'Abc.' } }, []],
  ['$regex with a dot that does not', { v: { $regex: '^Abc.def$', $options: 's' } }, ['sAbc']],
  ['$regex with characters by their code', { v: { $regex: '^\\u0041\\u{62}c\\s' } }, ['sAbc']],
  ['$regex with space that is not ASCII', { w: { $regex: '^a\\sb$' } }, ['null']],
  ['$regex with a line feed at the end', { w: { $regex: 'line$' } }, []],
  ['$not', { v: { $not: { $gte: 2 } } }, ['f', 'missing', 'n1', 'null', 'o', 'o2', 's1', 'sAbc', 't']],
  ['$not with $regex', { w: { $not: { $regex: 'x|y' } }, v: { $exists: false } }, ['missing']],
  ['$and', { $and: [{ v: { $gte: 1 } }, { w: 'y' }] }, ['n2']],
  ['$or', { $or: [{ v: 1 }, { w: 'z' }] }, ['missing', 'n1']],
  ['$nor', { $nor: [{ v: { $exists: true } }, { w: 'y' }] }, ['missing']],
  ['$or beside a field', { v: 1, $or: [{ w: 'x' }, { w: 'y' }] }, ['n1']],
  ['the empty filter as everything', {}, records.map(({ _id }) => _id).sort()],
  ['several conditions on one field', { v: { $ne: 2, $gt: 0 } }, ['n1']],
  ['_id by range', { _id: { $gte: 's', $lt: 't' } }, ['s1', 'sAbc']],
  ['_id from a list', { _id: { $in: ['t', 'none', 'f'] } }, ['f', 't']],
  ['_id of another type as nothing', { _id: 1 }, []],
];

const refused: readonly unknown[] = [
  { $where: 'true' },
  { $expr: { $eq: ['$a', 1] } },
  { $text: { $search: 'x' } },
  { v: { $type: 'string' } },
  { v: { $mod: [2, 0] } },
  { v: { $near: [0, 0] } },
  { v: { $gt: 1, other: 2 } },
  { v: { $in: 1 } },
  { v: { $exists: 1 } },
  { v: { $size: -1 } },
  { v: { $regex: '(' } },
  { v: { $regex: /x/ } },
  { v: { $regex: 'x', $options: 'g' } },
  { v: { $options: 'i' } },
  { v: { $not: 1 } },
  { v: { $elemMatch: 1 } },
  { v: undefined },
  { v: { $gt: undefined } },
  { v: new Date(0) },
  { v: Number.NaN },
  { v: { nested: { $gt: 1 } } },
  { $and: [] },
  { $or: {} },
  { 'a..b': 1 },
  { '': 1 },
  { 'a.$': 1 },
  [],
  null,
  'x',
];

/** Filters over scalars and objects. */
export function filterPromises(database: Database): void {
  describe('filters', () => {
    it.each(cases)('match %s, with an index and without', async (_, filter, ids) => {
      const plain = await collectionOf(database, records);
      const indexed = await collectionOf(database, records, [{ keys: { v: 1 } }, { keys: { w: -1, v: -1 } }, { keys: { 'v.a': 1 } }]);
      expect(await idsOf(plain, filter)).toEqual(ids);
      expect(await idsOf(indexed, filter)).toEqual(ids);
      expect(await indexed.countDocuments(filter)).toBe(ids.length);
    });

    it('refuses whatever the port does not offer, in every method that takes a filter', async () => {
      const collection = await collectionOf(database, [{ _id: 'a' }]);
      for (const filter of refused as Filter[]) {
        await expect(collection.find(filter)).rejects.toBeInstanceOf(UnsupportedQueryError);
        await expect(collection.deleteMany(filter)).rejects.toBeInstanceOf(UnsupportedQueryError);
        await expect(collection.updateMany(filter, { $set: { x: 1 } })).rejects.toBeInstanceOf(UnsupportedQueryError);
        await expect(collection.countDocuments(filter)).rejects.toBeInstanceOf(UnsupportedQueryError);
      }
      expect(await collection.find({})).toEqual([{ _id: 'a' }]);
    });
  });
}
