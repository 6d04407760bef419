import { inspect } from 'node:util';
import { expect } from '@jest/globals';
import { DuplicateKeyError, type Documents } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, type Record } from './record.ts';

/** Inserting, deleting, replacing nobody's document, closing. */
export function writingPromises(database: Database): void {
  describe('writing', () => {
    insertPromises(database);
    insertManyPromises(database);
    deletePromises(database);
    toolPromises(database);
    closePromises(database);
  });
}

function insertPromises(database: Database): void {
  it('gives back what was inserted, without undefined fields', async () => {
    const records = await collectionOf(database);
    const nested = { list: [1, 'two', null, { three: [3.5] }], 'with space': true, '': 'empty', ünïcode: '🎬' };
    await records.insertOne({ _id: 'a', nested, gone: undefined, zero: 0, big: 2 ** 53 - 1, small: -1e-7, minus: -0 });
    const kept = { _id: 'a', nested, zero: 0, big: 2 ** 53 - 1, small: -1e-7, minus: 0 };
    expect(await records.findOne({ _id: 'a' })).toStrictEqual(kept);
  });

  it('refuses a second document with the same _id and names the key', async () => {
    const records = await collectionOf(database, [{ _id: 'a', n: 1 }]);
    const refused = records.insertOne({ _id: 'a', n: 2 });
    await expect(refused).rejects.toBeInstanceOf(DuplicateKeyError);
    await expect(refused).rejects.toMatchObject({ keys: ['_id'], collection: records.name });
    expect(await records.findOne({ _id: 'a' })).toEqual({ _id: 'a', n: 1 });
  });

  it.each([
    ['NaN', Number.NaN],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['a Date', new Date(0)],
    ['a function', () => 1],
    ['a bigint', 1n],
    ['a Map', new Map()],
    ['bytes', new Uint8Array(2)],
  ])('refuses %s with a TypeError that names the field', async (_, value) => {
    const records = await collectionOf(database);
    const wrong = { _id: 'a', nested: { value } } as unknown as Record;
    await expect(records.insertOne(wrong)).rejects.toThrow(/nested\.value/);
    await expect(records.insertOne(wrong)).rejects.toBeInstanceOf(TypeError);
    expect(await records.countDocuments({})).toBe(0);
  });

  it('refuses a document whose _id is not a string', async () => {
    const records = await collectionOf(database);
    await expect(records.insertOne({ _id: 7 } as unknown as Record)).rejects.toBeInstanceOf(TypeError);
  });

  it('refuses a document larger than 16 MiB with a RangeError, also one that grows', async () => {
    const half = 'x'.repeat(9 * 1024 * 1024);
    const records = await collectionOf(database, [{ _id: 'a', half }]);
    await expect(records.insertOne({ _id: 'b', half, other: half })).rejects.toBeInstanceOf(RangeError);
    await expect(records.updateOne({ _id: 'a' }, { $set: { other: half } })).rejects.toBeInstanceOf(RangeError);
    expect((await records.find({})).map((record) => Object.keys(record))).toEqual([['_id', 'half']]);
  });

  it('says which key is taken, not its value', async () => {
    const records = await collectionOf(database, [{ _id: 'a', email: 'secret@x.org' }], [{ keys: { email: 1 }, unique: true }]);
    const [refused] = await Promise.allSettled([records.insertOne({ _id: 'b', email: 'secret@x.org' })]);
    expect(refused).toMatchObject({ reason: { message: `duplicate key in ${records.name}: email` } });
    expect(inspect(refused)).not.toContain('secret@x.org');
  });

  it('keeps every one of many concurrent inserts, though some are refused', async () => {
    const records = await collectionOf(database);
    const outcomes = await Promise.allSettled(Array.from({ length: 100 }, (_, i) => records.insertOne({ _id: `r${i % 80}`, i })));
    expect(outcomes.filter(({ status }) => status === 'rejected')).toHaveLength(20);
    expect(await records.countDocuments({})).toBe(80);
  });
}

function insertManyPromises(database: Database): void {
  it('inserts many documents at once, none among them', async () => {
    const records = await collectionOf(database, [], [{ keys: { n: -1 } }]);
    await records.insertMany([]);
    await records.insertMany(Array.from({ length: 300 }, (_, n) => ({ _id: `r${n}`, n })));
    expect(await records.countDocuments({})).toBe(300);
    expect(await records.find({ n: { $lt: 250 } }, { sort: { n: -1 }, limit: 2 })).toEqual([
      { _id: 'r249', n: 249 },
      { _id: 'r248', n: 248 },
    ]);
  });

  it('inserts none of many documents when one of them is refused', async () => {
    const records = await collectionOf(database, [{ _id: 'a', email: 'x' }], [{ keys: { email: 1 }, unique: true }]);
    const ofStoredId = records.insertMany([
      { _id: 'b', email: 'y' },
      { _id: 'a', email: 'z' },
    ]);
    await expect(ofStoredId).rejects.toMatchObject({ name: 'DuplicateKeyError', keys: ['_id'] });
    const ofSameKey = records.insertMany([
      { _id: 'b', email: 'y' },
      { _id: 'c', email: 'y' },
    ]);
    await expect(ofSameKey).rejects.toMatchObject({ name: 'DuplicateKeyError', keys: ['email'] });
    const ofNoDocument = records.insertMany([{ _id: 'b', email: 'y' }, { _id: 7 } as unknown as Record]);
    await expect(ofNoDocument).rejects.toBeInstanceOf(TypeError);
    expect(await records.find({})).toEqual([{ _id: 'a', email: 'x' }]);
    await records.insertMany([{ _id: 'b', email: 'y' }]);
    expect(await records.countDocuments({ email: 'y' })).toBe(1);
  });
}

function deletePromises(database: Database): void {
  it('deletes one match or all of them and says how many', async () => {
    const records = await collectionOf(
      database,
      [1, 2, 3, 4].map((n) => ({ _id: `r${n}`, odd: n % 2 === 1 })),
    );
    expect(await records.deleteOne({ odd: true })).toBe(1);
    expect(await records.deleteOne({ odd: 'never' })).toBe(0);
    expect(await records.deleteMany({ odd: false })).toBe(2);
    expect(await records.countDocuments({})).toBe(1);
  });
}

function toolPromises(database: Database): void {
  it('names the collections that exist, also those that another process declared', async () => {
    const records = await collectionOf(database);
    const other = await database().reopen();
    const names = await other.names();
    expect(names).toContain(records.name);
    expect(names).not.toContain('kinora_indexes');
    expect(names).toEqual([...names].sort());
    other.collection('declared_later', { indexes: [] });
    expect(await other.names()).toEqual([...names, 'declared_later'].sort());
    await other.close();
  });

  it('leaves the indexes as they are to a tool that says so', async () => {
    const records = await collectionOf(database, [{ _id: 'a', email: 'x' }], [{ keys: { email: 1 }, unique: true }]);
    const other = await database().reopen();
    const seen = other.collection<Record>(records.name, { indexes: 'as they are' });
    expect(await seen.find({})).toEqual([{ _id: 'a', email: 'x' }]);
    await expect(seen.insertOne({ _id: 'b', email: 'x' })).rejects.toMatchObject({ name: 'DuplicateKeyError', keys: ['email'] });
    await other.close();
    await expect(records.insertOne({ _id: 'b', email: 'x' })).rejects.toBeInstanceOf(DuplicateKeyError);
  });
}

function closePromises(database: Database): void {
  it('shows another connection what was acknowledged, and closes twice without complaint', async () => {
    const records = await collectionOf(database, [{ _id: 'a', n: 1 }], [{ keys: { n: 1 } }]);
    const other: Documents = await database().reopen();
    const same = other.collection<Record>(records.name, { indexes: [{ keys: { n: 1 } }] });
    await other.ready();
    await other.ping();
    expect(await same.find({ n: 1 })).toEqual([{ _id: 'a', n: 1 }]);
    await records.updateOne({ _id: 'a' }, { $set: { n: [5, 6] } });
    expect(await same.findOne({ n: 6 })).toEqual({ _id: 'a', n: [5, 6] });
    await same.insertOne({ _id: 'b', n: [6] });
    expect(await records.countDocuments({ n: 6 })).toBe(2);
    await other.close();
    await other.close();
    await expect(same.findOne({})).rejects.toThrow();
    await expect(other.ping()).rejects.toThrow();
  });
}
