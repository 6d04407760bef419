import { expect } from '@jest/globals';
import { DuplicateKeyError } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, idsOf, type Record } from './record.ts';

/** Unique, sparse and late indexes. */
export function indexPromises(database: Database): void {
  describe('indexes', () => {
    uniquePromises(database);
    parallelPromises(database);
    sparsePromises(database);
    latePromises(database);
  });
}

function uniquePromises(database: Database): void {
  it('refuse a second document with the same key on insert and update, and name the paths', async () => {
    const unique = [{ keys: { kind: 1, 'at.place': -1 }, unique: true }] as const;
    const records = await collectionOf(
      database,
      [
        { _id: 'a', kind: 'k', at: { place: 1 } },
        { _id: 'b', kind: 'k', at: { place: 2 } },
      ],
      [...unique],
    );
    const refusals = [
      records.insertOne({ _id: 'c', kind: 'k', at: { place: 1 } }),
      records.updateOne({ _id: 'b' }, { $set: { 'at.place': 1 } }),
      records.updateOne({ _id: 'd', kind: 'k' }, { $set: { 'at.place': 2 } }, { upsert: true }),
    ];
    for (const refusal of await Promise.allSettled(refusals)) {
      expect(refusal).toMatchObject({ status: 'rejected', reason: { name: 'DuplicateKeyError', keys: ['kind', 'at.place'] } });
      expect(refusal).toHaveProperty('reason', expect.any(DuplicateKeyError));
    }
    expect(await idsOf(records, {})).toEqual(['a', 'b']);
    await records.updateOne({ _id: 'a' }, { $set: { 'at.place': 3, other: 1 } });
    await records.insertOne({ _id: 'c', kind: 'k', at: { place: 1 } });
    expect(await idsOf(records, { kind: 'k', 'at.place': { $gte: 1 } })).toEqual(['a', 'b', 'c']);
  });

  it('take a missing field for null unless they are sparse', async () => {
    const records = await collectionOf(database, [{ _id: 'a', email: null }], [{ keys: { email: 1 }, unique: true }]);
    await expect(records.insertOne({ _id: 'b' })).rejects.toBeInstanceOf(DuplicateKeyError);
    const sparse = await collectionOf(
      database,
      [{ _id: 'a' }, { _id: 'b' }, { _id: 'c', email: 'x' }],
      [{ keys: { email: 1 }, unique: true, sparse: true }],
    );
    await expect(sparse.updateOne({ _id: 'a' }, { $set: { email: 'x' } })).rejects.toBeInstanceOf(DuplicateKeyError);
    expect(await sparse.countDocuments({ email: null })).toBe(2);
  });

  it('refuse an element that another document has, not one that repeats in the same document', async () => {
    const records = await collectionOf(database, [{ _id: 'a', names: ['x', 'x', 'y'] }], [{ keys: { names: 1 }, unique: true }]);
    await expect(records.insertOne({ _id: 'b', names: ['z', 'y'] })).rejects.toBeInstanceOf(DuplicateKeyError);
    await records.updateOne({ _id: 'a' }, { $pull: { names: 'y' } });
    await records.insertOne({ _id: 'b', names: ['z', 'y'] });
    expect(await idsOf(records, { names: 'y' })).toEqual(['b']);
  });
}

function parallelPromises(database: Database): void {
  it('refuse a document with arrays on two of their paths, and take two paths through one array', async () => {
    const before = { _id: 'a', tags: ['x'], names: 'y', parts: [{ x: 1, y: 2 }] };
    const records = await collectionOf(database, [before], [{ keys: { tags: 1, names: 1 } }, { keys: { 'parts.x': 1, 'parts.y': 1 } }]);
    await expect(records.insertOne({ _id: 'b', tags: ['x'], names: ['y', 'z'] })).rejects.toBeInstanceOf(TypeError);
    await expect(records.updateOne({ _id: 'a' }, { $set: { names: ['y'] } })).rejects.toBeInstanceOf(TypeError);
    expect(await records.find({})).toEqual([before]);
  });
}

function sparsePromises(database: Database): void {
  it('leave nothing out of an answer when they are sparse', async () => {
    const rows: Record[] = [
      { _id: 'a', at: '2026' },
      { _id: 'b', at: '2025' },
      { _id: 'c' },
      { _id: 'd', at: null },
      { _id: 'e', at: ['2024'] },
    ];
    const records = await collectionOf(database, rows, [{ keys: { at: 1 }, sparse: true }]);
    expect(await idsOf(records, { at: { $exists: true } })).toEqual(['a', 'b', 'd', 'e']);
    expect(await idsOf(records, { at: { $exists: false } })).toEqual(['c']);
    expect(await idsOf(records, { at: null })).toEqual(['c', 'd']);
    expect(await idsOf(records, { at: { $lt: '2026' } })).toEqual(['b', 'e']);
    expect((await records.find({}, { sort: { at: 1, _id: 1 } })).map(({ _id }) => _id)).toEqual(['c', 'd', 'e', 'b', 'a']);
    await records.updateOne({ _id: 'a' }, { $unset: { at: '' } });
    expect(await records.countDocuments({ at: { $exists: true } })).toBe(3);
  });
}

function latePromises(database: Database): void {
  it('cover documents written before they were declared, and are gone when no longer declared', async () => {
    const records = await collectionOf(
      database,
      [
        { _id: 'a', n: 1 },
        { _id: 'b', n: 1 },
        { _id: 'c', n: [2, 3] },
      ],
      [{ keys: { n: 1 } }],
    );
    const other = await database().reopen();
    const again = other.collection<Record>(records.name, { indexes: [{ keys: { n: 1, _id: -1 } }] });
    await other.ready();
    expect((await again.find({ n: 1 }, { sort: { _id: -1 } })).map(({ _id }) => _id)).toEqual(['b', 'a']);
    expect(await idsOf(again, { n: 3 })).toEqual(['c']);
    await other.close();
  });

  it('are refused when unique and documents already share a key', async () => {
    const records = await collectionOf(database, [
      { _id: 'a', n: 1 },
      { _id: 'b', n: 1 },
    ]);
    const other = await database().reopen();
    const again = other.collection<Record>(records.name, { indexes: [{ keys: { n: 1 }, unique: true }] });
    await expect(other.ready()).rejects.toBeInstanceOf(DuplicateKeyError);
    await expect(again.findOne({})).rejects.toBeInstanceOf(DuplicateKeyError);
    await other.close();
    expect(await records.countDocuments({ n: 1 })).toBe(2);
  });
}
