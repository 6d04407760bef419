import { expect } from '@jest/globals';
import { DuplicateKeyError, UnsupportedQueryError, type Update } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, type Record } from './record.ts';

const cases: readonly (readonly [string, object, Update, object])[] = [
  ['sets fields, making objects on the way', { a: 1 }, { $set: { a: 2, 'b.c.d': [1] } }, { a: 2, b: { c: { d: [1] } } }],
  ['drops what is set to undefined', { a: 1 }, { $set: { a: undefined, b: 2 } }, { a: 1, b: 2 }],
  ['sets an element by position, filling up with null', { l: [1] }, { $set: { 'l.0': 5, 'm.x': 1 } }, { l: [5], m: { x: 1 } }],
  ['fills an array up to the position', { l: [1] }, { $set: { 'l.3': 4 } }, { l: [1, null, null, 4] }],
  ['sets a field of an element', { l: [{ x: 1 }, { x: 2 }] }, { $set: { 'l.1.x': 9 } }, { l: [{ x: 1 }, { x: 9 }] }],
  ['removes fields, and only what is there', { a: 1, b: { c: 1, d: 2 } }, { $unset: { a: '', 'b.c': '', 'x.y': '' } }, { b: { d: 2 } }],
  ['leaves null for an element removed by position', { l: [1, 2] }, { $unset: { 'l.0': '' } }, { l: [null, 2] }],
  ['adds to numbers, starting at nothing', { n: 1.5 }, { $inc: { n: 2, 'm.k': -3 } }, { n: 3.5, m: { k: -3 } }],
  ['keeps the greater', { n: 5, m: 1, s: 'x' }, { $max: { n: 3, m: 2, s: 9, fresh: 1 } }, { n: 5, m: 2, s: 'x', fresh: 1 }],
  ['keeps the lesser', { n: 5, s: 'x' }, { $min: { n: 3, s: 9, fresh: 1 } }, { n: 3, s: 9, fresh: 1 }],
  ['appends one value', { l: [1] }, { $push: { l: [2], fresh: 1 } }, { l: [1, [2]], fresh: [1] }],
  ['appends each value and keeps the last ones', { l: [1, 2] }, { $push: { l: { $each: [3, 4], $slice: -3 } } }, { l: [2, 3, 4] }],
  ['appends each value and keeps the first ones', { l: [1, 2] }, { $push: { l: { $each: [3, 4], $slice: 3 } } }, { l: [1, 2, 3] }],
  ['empties an array with a slice of 0', { l: [1, 2] }, { $push: { l: { $each: [], $slice: 0 } } }, { l: [] }],
  ['adds to a set what it lacks', { l: [1, { a: 1 }] }, { $addToSet: { l: { $each: [1, 2, 2, { a: 1 }] } } }, { l: [1, { a: 1 }, 2] }],
  ['adds one value to a set', { l: ['a'] }, { $addToSet: { l: 'b', fresh: 'c' } }, { l: ['a', 'b'], fresh: ['c'] }],
  ['pulls equal values', { l: [1, 2, 1] }, { $pull: { l: 1 } }, { l: [2] }],
  ['pulls by operators', { l: [1, 2, 3, 'x'] }, { $pull: { l: { $gte: 2 } } }, { l: [1, 'x'] }],
  ['pulls any of a list', { l: ['a', 'b', 'c'] }, { $pull: { l: { $in: ['a', 'c'] } } }, { l: ['b'] }],
  ['pulls objects by some of their fields', { l: [{ id: 1, x: 1 }, { id: 2 }, 5] }, { $pull: { l: { id: 1 } } }, { l: [{ id: 2 }, 5] }],
  [
    'pulls objects by operators on fields',
    { l: [{ id: 'a' }, { id: 'b' }] },
    { $pull: { l: { id: { $in: ['b'] } } } },
    { l: [{ id: 'a' }] },
  ],
  ['pulls nothing from a missing field', { a: 1 }, { $pull: { l: 1, 'x.y': 1 } }, { a: 1 }],
  ['ignores $setOnInsert on a match', { a: 1 }, { $setOnInsert: { b: 1 }, $set: { c: 1 } }, { a: 1, c: 1 }],
];

const refused: readonly unknown[] = [
  { a: 1 },
  { $rename: { a: 'b' } },
  { $currentDate: { a: true } },
  { $set: { a: 1 }, $inc: { a: 1 } },
  { $set: { a: {}, 'a.b': 1 } },
  { $set: { 'a.$': 1 } },
  { $set: { 'a.$[]': 1 } },
  { $set: { 'a..b': 1 } },
  { $set: { '': 1 } },
  { $set: { a: new Date(0) } },
  { $set: { a: { $gt: 1 } } },
  { $inc: { a: 'x' } },
  { $inc: { a: Number.NaN } },
  { $push: { a: { $each: 1 } } },
  { $push: { a: { $each: [1], $sort: 1 } } },
  { $push: { a: { $each: [1], $slice: 1.5 } } },
  { $addToSet: { a: { $each: [1], $slice: 1 } } },
  { $pull: { a: { $where: 'x' } } },
  { $set: 1 },
  [{ $set: { a: 1 } }],
  null,
];

/** Update operators, upserts, atomicity. */
export function updatePromises(database: Database): void {
  describe('updates', () => {
    operatorPromises(database);
    resultPromises(database);
    upsertPromises(database);
    atomicityPromises(database);
  });
}

function operatorPromises(database: Database): void {
  it.each(cases)('%s', async (_, before, update, after) => {
    const records = await collectionOf(database, [{ _id: 'r', ...before }]);
    expect(await records.findOneAndUpdate({ _id: 'r' }, update)).toEqual({ _id: 'r', ...after });
    expect(await records.findOne({ _id: 'r' })).toEqual({ _id: 'r', ...after });
  });

  it('refuses what the port does not offer', async () => {
    const records = await collectionOf(database, [{ _id: 'r', a: [1] }]);
    for (const update of refused as Update[]) {
      await expect(records.updateOne({}, update)).rejects.toBeInstanceOf(UnsupportedQueryError);
      await expect(records.updateMany({}, update)).rejects.toBeInstanceOf(UnsupportedQueryError);
      await expect(records.findOneAndUpdate({}, update)).rejects.toBeInstanceOf(UnsupportedQueryError);
    }
    expect(await records.find({})).toEqual([{ _id: 'r', a: [1] }]);
  });

  it.each([
    ['$inc on a string', { $inc: { s: 1 } }],
    ['$push on a string', { $push: { s: 1 } }],
    ['$addToSet on a number', { $addToSet: { n: 1 } }],
    ['$pull on a number', { $pull: { n: 1 } }],
    ['a field inside a scalar', { $set: { 's.x': 1 } }],
    ['a named field inside an array', { $set: { 'l.x': 1 } }],
    ['another _id', { $set: { _id: 'other' } }],
  ])('rejects %s with a TypeError and leaves the document as it was', async (_, update) => {
    const before = { _id: 'r', s: 'text', n: 1, l: [1] };
    const records = await collectionOf(database, [before]);
    await expect(records.updateOne({ _id: 'r' }, update)).rejects.toBeInstanceOf(TypeError);
    await expect(records.findOneAndUpdate({ _id: 'r' }, update)).rejects.toBeInstanceOf(TypeError);
    expect(await records.find({})).toEqual([before]);
  });

  it('takes an update without changes for none', async () => {
    const records = await collectionOf(database, [{ _id: 'r', n: 1 }]);
    const result = { matchedCount: 1, modifiedCount: 0, upserted: false };
    for (const update of [{}, { $set: {} }, { $set: { n: undefined } }])
      expect(await records.updateOne({ _id: 'r' }, update)).toEqual(result);
    expect(await records.find({})).toEqual([{ _id: 'r', n: 1 }]);
  });

  it('adds beyond what fits 32 bits, and keeps fractions', async () => {
    const records = await collectionOf(database, [{ _id: 'r', n: 2 ** 31 - 1, part: 0.1 }]);
    expect(await records.findOneAndUpdate({ _id: 'r' }, { $inc: { n: 1, part: 0.2 } })).toEqual({ _id: 'r', n: 2 ** 31, part: 0.1 + 0.2 });
    expect(await records.findOneAndUpdate({ _id: 'r' }, { $inc: { n: 2 ** 52 } })).toMatchObject({ n: 2 ** 52 + 2 ** 31 });
  });
}

function resultPromises(database: Database): void {
  it('counts matches and real changes', async () => {
    const records = await collectionOf(database, [
      { _id: 'a', n: 1 },
      { _id: 'b', n: 2 },
      { _id: 'c', n: 2 },
    ]);
    expect(await records.updateOne({ _id: 'a' }, { $set: { n: 1 } })).toEqual({ matchedCount: 1, modifiedCount: 0, upserted: false });
    expect(await records.updateOne({ _id: 'x' }, { $set: { n: 1 } })).toEqual({ matchedCount: 0, modifiedCount: 0, upserted: false });
    expect(await records.updateMany({}, { $max: { n: 2 } })).toEqual({ matchedCount: 3, modifiedCount: 1, upserted: false });
    expect(await records.countDocuments({ n: 2 })).toBe(3);
  });

  it('changes each match of updateMany once, though the change moves it within the index it was found by', async () => {
    const rows = Array.from({ length: 50 }, (_, n) => ({ _id: `r${n}`, n }));
    const records = await collectionOf(database, rows, [{ keys: { n: 1 } }]);
    expect((await records.updateMany({ n: { $gte: 0 } }, { $inc: { n: 10 } })).modifiedCount).toBe(50);
    expect((await records.find({}, { sort: { n: 1 } })).map(({ n }) => n)).toEqual(rows.map(({ n }) => n + 10));
  });

  it('returns the document before or after, the first in order, or undefined', async () => {
    const records = await collectionOf(database, [
      { _id: 'a', n: 2 },
      { _id: 'b', n: 1 },
    ]);
    expect(await records.findOneAndUpdate({}, { $inc: { n: 10 } }, { sort: { n: 1 } })).toEqual({ _id: 'b', n: 11 });
    expect(await records.findOneAndUpdate({}, { $inc: { n: 10 } }, { sort: { n: -1 }, returns: 'before' })).toEqual({ _id: 'b', n: 11 });
    expect(await records.findOneAndUpdate({ _id: 'x' }, { $inc: { n: 1 } })).toBeUndefined();
  });
}

function upsertPromises(database: Database): void {
  it('inserts the equalities of the filter, $setOnInsert and the update', async () => {
    const records = await collectionOf(database);
    const filter = { _id: 'r', 'at.x': 1, kind: { $eq: 'k' }, n: { $gt: 5 }, $and: [{ also: true }] };
    const update = { $setOnInsert: { made: 'now' }, $inc: { count: 1 }, $push: { l: 1 } };
    expect(await records.updateOne(filter, update, { upsert: true })).toEqual({ matchedCount: 0, modifiedCount: 0, upserted: true });
    expect(await records.find({})).toEqual([{ _id: 'r', at: { x: 1 }, kind: 'k', also: true, made: 'now', count: 1, l: [1] }]);
  });

  it('updates a match in place of inserting', async () => {
    const records = await collectionOf(database, [{ _id: 'r', count: 1 }]);
    const update = { $setOnInsert: { made: 'now' }, $inc: { count: 1 } };
    expect(await records.findOneAndUpdate({ _id: 'r' }, update, { upsert: true })).toEqual({ _id: 'r', count: 2 });
    expect(await records.findOneAndUpdate({ _id: 's' }, update, { upsert: true })).toEqual({ _id: 's', count: 1, made: 'now' });
    expect(await records.findOneAndUpdate({ _id: 't' }, update, { upsert: true, returns: 'before' })).toBeUndefined();
    expect(await records.countDocuments({})).toBe(3);
  });

  it('takes the _id from $setOnInsert, and refuses an upsert that names none', async () => {
    const records = await collectionOf(database);
    await records.updateOne({ email: 'a@b' }, { $setOnInsert: { _id: 'fresh' }, $set: { n: 1 } }, { upsert: true });
    await records.updateOne({ email: 'a@b' }, { $setOnInsert: { _id: 'other' }, $set: { n: 2 } }, { upsert: true });
    expect(await records.find({})).toEqual([{ _id: 'fresh', email: 'a@b', n: 2 }]);
    await expect(records.updateOne({ email: 'c@d' }, { $set: { n: 1 } }, { upsert: true })).rejects.toBeInstanceOf(UnsupportedQueryError);
  });

  it('reports a key that is taken when an upsert matches nothing else', async () => {
    const records = await collectionOf(database, [{ _id: 'r', version: 2 }]);
    const refused = records.updateOne({ _id: 'r', version: 1 }, { $set: { x: 1 } }, { upsert: true });
    await expect(refused).rejects.toBeInstanceOf(DuplicateKeyError);
  });
}

function atomicityPromises(database: Database): void {
  it('inserts once and loses no update when many upsert the same document at once', async () => {
    const records = await collectionOf(database, [], [{ keys: { email: 1 }, unique: true }]);
    const byId = { $inc: { n: 1 }, $setOnInsert: { email: 'r' } };
    const results = await Promise.all(Array.from({ length: 20 }, () => records.updateOne({ _id: 'r' }, byId, { upsert: true })));
    expect(results.filter(({ upserted }) => upserted)).toHaveLength(1);
    const byEmail = (_id: string) => records.findOneAndUpdate({ email: 'x' }, { $inc: { n: 1 }, $setOnInsert: { _id } }, { upsert: true });
    const found = await Promise.all(Array.from({ length: 20 }, (_, i) => byEmail(`x${i}`)));
    expect(new Set(found.map((record) => record?._id)).size).toBe(1);
    expect((await records.find({})).map(({ n }) => n)).toEqual([20, 20]);
  });

  it('loses no increment among many at once', async () => {
    const records = await collectionOf(database, [{ _id: 'r', n: 0 }]);
    await Promise.all(Array.from({ length: 60 }, () => records.updateOne({ _id: 'r' }, { $inc: { n: 1 } })));
    expect(await records.findOne({ _id: 'r' })).toEqual({ _id: 'r', n: 60 });
  });

  it('gives each of many who claim a different document', async () => {
    const rows: Record[] = Array.from({ length: 20 }, (_, n) => ({ _id: `r${n}`, state: 'free' }));
    const records = await collectionOf(database, rows, [{ keys: { state: 1 } }]);
    const claims = await Promise.all(
      Array.from({ length: 25 }, (_, who) => records.findOneAndUpdate({ state: 'free' }, { $set: { state: 'taken', who } })),
    );
    expect(new Set(claims.map((claim) => claim?._id)).size).toBe(21);
  });
}
