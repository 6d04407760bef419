import { expect } from '@jest/globals';
import type { Filter } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, idsOf, type Record } from './record.ts';

const records: readonly Record[] = [
  { _id: 'ab', tags: ['a', 'b'], parts: [{ x: 1, y: 1 }, { x: 2 }] },
  { _id: 'b', tags: ['b'], parts: [{ x: 2, y: 1 }] },
  { _id: 'scalar', tags: 'a', parts: { x: 1, y: 9 } },
  { _id: 'empty', tags: [], parts: [] },
  { _id: 'none' },
  { _id: 'numbers', tags: [1, 9], parts: [3, 4] },
  { _id: 'nested', tags: [['a', 'b'], 'c'], parts: [[{ x: 1 }]] },
  { _id: 'nulls', tags: [null], parts: [{ x: null }] },
];

const cases: readonly (readonly [string, Filter, readonly string[]])[] = [
  ['an element', { tags: 'a' }, ['ab', 'scalar']],
  ['the whole array, or an element that is that array', { tags: ['a', 'b'] }, ['ab', 'nested']],
  ['null as element or missing field, not the empty array', { tags: null }, ['none', 'nulls']],
  ['the empty array', { tags: [] }, ['empty']],
  ['$ne as no element equal', { tags: { $ne: 'a' } }, ['b', 'empty', 'nested', 'none', 'nulls', 'numbers']],
  ['$in', { tags: { $in: ['c', 9] } }, ['nested', 'numbers']],
  ['$in with an array', { tags: { $in: [['b'], 'c'] } }, ['b', 'nested']],
  ['each end of a range by any element', { tags: { $gt: 5, $lt: 3 } }, ['numbers']],
  ['both ends by one element with $elemMatch', { tags: { $elemMatch: { $gt: 5, $lt: 3 } } }, []],
  ['one element with $elemMatch over operators', { tags: { $elemMatch: { $gte: 'b' } } }, ['ab', 'b', 'nested']],
  ['$all', { tags: { $all: ['b', 'a'] } }, ['ab']],
  ['$all of one on a scalar', { tags: { $all: ['a'] } }, ['ab', 'scalar']],
  ['$all of nothing as nothing', { tags: { $all: [] } }, []],
  ['$size', { tags: { $size: 2 } }, ['ab', 'nested', 'numbers']],
  ['$size 0', { tags: { $size: 0 } }, ['empty']],
  ['$exists with an empty array', { tags: { $exists: true } }, ['ab', 'b', 'empty', 'nested', 'nulls', 'numbers', 'scalar']],
  ['$regex on elements', { tags: { $regex: '^a' } }, ['ab', 'scalar']],
  ['fields of elements', { 'parts.x': 1 }, ['ab', 'scalar']],
  ['fields of different elements at once', { 'parts.x': 2, 'parts.y': 1 }, ['ab', 'b']],
  ['fields of one element with $elemMatch', { parts: { $elemMatch: { x: 2, y: 1 } } }, ['b']],
  ['$elemMatch with $or inside', { parts: { $elemMatch: { $or: [{ x: 9 }, { y: { $exists: false } }] } } }, ['ab', 'nested', 'nulls']],
  ['an element that lacks the field as null', { 'parts.y': null }, ['ab', 'none', 'nulls']],
  ['$exists in any element', { 'parts.y': { $exists: true } }, ['ab', 'b', 'scalar']],
  ['$exists false in every element', { 'parts.y': { $exists: false } }, ['empty', 'nested', 'none', 'nulls', 'numbers']],
  ['a position', { 'tags.1': 'b' }, ['ab']],
  ['a field at a position', { 'parts.0.x': 2 }, ['b']],
  ['$not over an array', { tags: { $not: { $in: ['a', 'b', null] } } }, ['empty', 'nested', 'numbers']],
];

/** Filters over arrays, where an index is multikey. */
export function arrayPromises(database: Database): void {
  describe('filters over arrays', () => {
    it.each(cases)('match %s, with an index and without', async (_, filter, ids) => {
      const plain = await collectionOf(database, records);
      const indexed = await collectionOf(database, records, [
        { keys: { tags: 1 } },
        { keys: { 'parts.x': 1, 'parts.y': 1 } },
        { keys: { 'parts.y': -1 }, sparse: true },
      ]);
      expect(await idsOf(plain, filter)).toEqual(ids);
      expect(await idsOf(indexed, filter)).toEqual(ids);
      expect(await indexed.countDocuments(filter)).toBe(ids.length);
    });
  });
}
