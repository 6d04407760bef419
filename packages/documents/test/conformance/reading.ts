import { expect } from '@jest/globals';
import { UnsupportedQueryError } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, type Record } from './record.ts';

const byPlace = [{ keys: { place: 1, _id: 1 } }] as const;

function numbered(count: number): Record[] {
  return Array.from({ length: count }, (_, n) => ({ _id: `r${String(n).padStart(4, '0')}`, place: n % 7, even: n % 2 === 0 }));
}

/** Sorting, paging, scanning, counting, aborting. */
export function readingPromises(database: Database): void {
  describe('reading', () => {
    orderPromises(database);
    pagingPromises(database);
    scanPromises(database);
  });
}

function orderPromises(database: Database): void {
  const values = [false, 'b', 3, null, { x: 1 }, 'B', -1, true, 'ä', '\u{1F3AC}', '\uFFFD', { x: 1, y: 0 }, { w: 9 }, 2.5, ''];
  const ordered = [null, -1, 2.5, 3, '', 'B', 'b', 'ä', '\uFFFD', '\u{1F3AC}', { w: 9 }, { x: 1 }, { x: 1, y: 0 }, false, true];

  it.each([
    ['with an index', byPlace],
    ['without an index', []],
  ])('sorts values of all types as MongoDB does %s', async (_, indexes) => {
    const records = await collectionOf(
      database,
      values.map((place, i) => ({ _id: `r${i}`, place })),
      [...indexes],
    );
    const up = await records.find({}, { sort: { place: 1, _id: 1 } });
    expect(up.map(({ place }) => place)).toEqual(ordered);
    const down = await records.find({}, { sort: { place: -1, _id: -1 } });
    expect(down.map(({ place }) => place)).toEqual([...ordered].reverse());
  });

  it('sorts a missing field like null, an array by its least element ascending and its greatest descending', async () => {
    const records = await collectionOf(
      database,
      [{ _id: 'missing' }, { _id: 'five', place: 5 }, { _id: 'wide', place: [1, 9] }, { _id: 'empty', place: [] }],
      [...byPlace],
    );
    const up = await records.find({}, { sort: { place: 1, _id: 1 } });
    expect(up.map(({ _id }) => _id)).toEqual(['empty', 'missing', 'wide', 'five']);
    const down = await records.find({}, { sort: { place: -1, _id: 1 } });
    expect(down.map(({ _id }) => _id)).toEqual(['wide', 'five', 'missing', 'empty']);
  });
}

function pagingPromises(database: Database): void {
  it('pages through ties with a cursor condition, each document once and in order', async () => {
    const records = await collectionOf(database, numbered(60), [{ keys: { even: 1, place: -1, _id: -1 } }]);
    const sort = { place: -1, _id: -1 } as const;
    const seen: string[] = [];
    let page = await records.find({ even: true }, { sort, limit: 4 });
    for (let last = page.at(-1); last; last = page.at(-1)) {
      seen.push(...page.map(({ _id }) => _id));
      const after = { $or: [{ place: { $lt: last['place'] ?? null } }, { place: last['place'] ?? null, _id: { $lt: last._id } }] };
      page = await records.find({ even: true, ...after }, { sort, limit: 4 });
    }
    expect(seen).toEqual((await records.find({ even: true }, { sort })).map(({ _id }) => _id));
    expect(seen).toHaveLength(30);
  });

  it('skips, limits, and returns at most 1000 documents unless told otherwise', async () => {
    const records = await collectionOf(database, numbered(1010));
    const some = await records.find({ even: true }, { sort: { _id: 1 }, skip: 2, limit: 3 });
    expect(some.map(({ _id }) => _id)).toEqual(['r0004', 'r0006', 'r0008']);
    expect(await records.find({})).toHaveLength(1000);
    expect(await records.find({}, { limit: 1005 })).toHaveLength(1005);
    expect(await records.find({}, { limit: 0 })).toEqual([]);
    expect(await records.countDocuments({})).toBe(1010);
    expect(await records.countDocuments({ even: true })).toBe(505);
  });

  it('finds the first in order with findOne, and undefined when there is none', async () => {
    const records = await collectionOf(database, numbered(10));
    expect(await records.findOne({ even: false }, { sort: { place: -1 } })).toMatchObject({ place: 5 });
    expect(await records.findOne({ place: 99 })).toBeUndefined();
  });

  it.each([{ limit: -1 }, { limit: 1.5 }, { skip: -1 }, { sort: { place: 2 } }, { sort: { $natural: 1 } }, { sort: { 'a.0': 1 } }])(
    'refuses %j',
    async (options) => {
      const records = await collectionOf(database);
      await expect(records.find({}, options as object)).rejects.toBeInstanceOf(UnsupportedQueryError);
    },
  );

  it('rejects with the reason when the signal is aborted', async () => {
    const records = await collectionOf(database, numbered(3));
    const reason = new Error('gone away');
    await expect(records.find({}, { signal: AbortSignal.abort(reason) })).rejects.toBe(reason);
  });
}

function scanPromises(database: Database): void {
  it('scans every match once in _id order, in batches, while others write', async () => {
    const records = await collectionOf(database, numbered(120), [...byPlace]);
    const seen: string[] = [];
    for await (const { _id } of records.scan({ even: true }, { batchSize: 7 })) {
      seen.push(_id);
      if (seen.length % 10 === 0) {
        await records.updateOne({ _id }, { $set: { place: 99 } });
        await records.insertOne({ _id: `a${seen.length}`, even: true });
      }
    }
    expect(seen).toEqual(
      numbered(120)
        .filter(({ even }) => even)
        .map(({ _id }) => _id),
    );
  });

  it('ends a scan when the signal is aborted', async () => {
    const records = await collectionOf(database, numbered(20));
    const abort = new AbortController();
    const reading = (async () => {
      for await (const { _id } of records.scan({}, { batchSize: 2, signal: abort.signal })) if (_id === 'r0005') abort.abort();
    })();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });
}
