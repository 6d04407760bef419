import { expect } from '@jest/globals';
import { UnsupportedQueryError, type Filter } from '../../src/index.ts';
import type { Database } from '../conformance.ts';
import { describe, it } from './promises.ts';
import { collectionOf, idsOf, type Record } from './record.ts';

const strings = [
  "it's",
  '"quoted"',
  '`;--',
  "'); DROP TABLE x; --",
  '%_\\',
  'a\0b',
  '\0',
  '$where',
  '__proto__',
  'constructor',
  '𝕬🎬',
  '\u202e',
  '?1',
  ':x',
  '',
  ' ',
];
const names = [
  "it's",
  'a"b',
  'a`b;--',
  "x') OR 1=1 --",
  'a%b',
  'with space',
  '[0]',
  '?',
  'ключ',
  '🎬',
  'constructor',
  'toString',
  'hasOwnProperty',
  'a\\b',
  '0x',
  '*',
];

/** Whatever comes from outside is a value or a name, never code. */
export function hostilePromises(database: Database): void {
  describe('hostile input', () => {
    it.each(strings)('finds the value %j by equality, range and list, and nothing else', async (value) => {
      const rows: Record[] = strings.map((v, i) => ({ _id: `r${i}`, v, l: [v] }));
      const records = await collectionOf(database, rows, [{ keys: { v: 1 } }]);
      const id = `r${strings.indexOf(value)}`;
      for (const filter of [{ v: value }, { v: { $gte: value, $lte: value } }, { v: { $in: [value] } }, { l: value }]) {
        expect(await idsOf(records, filter)).toEqual([id]);
      }
      expect((await records.findOne({ _id: id }))?.['v']).toBe(value);
    });

    it('finds each of them in arrays that have an index', async () => {
      const rows: Record[] = strings.map((v, i) => ({ _id: `r${i}`, l: ['all', v] }));
      const records = await collectionOf(database, rows, [{ keys: { l: 1 } }]);
      for (const [i, value] of strings.entries()) expect(await idsOf(records, { l: value })).toEqual([`r${i}`]);
    });

    it('takes any string as _id', async () => {
      const records = await collectionOf(
        database,
        strings.map((_id) => ({ _id })),
      );
      expect(await idsOf(records, {})).toEqual([...strings].sort());
      for (const _id of strings) expect(await records.deleteOne({ _id })).toBe(1);
    });

    it.each(names)('takes the field name %j in filters, sorts, indexes and updates', async (name) => {
      const rows: Record[] = [{ _id: 'a', [name]: 1 }, { _id: 'b', [name]: { [name]: 2 } }, { _id: 'c' }];
      const documents = await database().reopen();
      const indexes = [{ keys: { [name]: 1 } }, { keys: { [`${name}.${name}`]: -1, _id: 1 }, sparse: true }] as const;
      const records = documents.collection<Record>(`names_${names.indexOf(name)}`, { indexes });
      await records.insertMany(rows);
      expect(await idsOf(records, { [name]: 1 })).toEqual(['a']);
      expect(await idsOf(records, { [`${name}.${name}`]: 2 })).toEqual(['b']);
      expect(await idsOf(records, { [name]: { $exists: false } })).toEqual(['c']);
      expect((await records.find({}, { sort: { [name]: -1, _id: 1 } })).map(({ _id }) => _id)).toEqual(['b', 'a', 'c']);
      expect(await records.findOneAndUpdate({ _id: 'c' }, { $set: { [`x.${name}`]: 3 } })).toEqual({ _id: 'c', x: { [name]: 3 } });
      await documents.close();
    });

    it('refuses names that no document may have, and changes no prototype', async () => {
      const records = await collectionOf(database, [{ _id: 'a' }]);
      const documents = [
        '{"_id":"x","__proto__":{"hacked":1}}',
        '{"_id":"x","a":{"$set":1}}',
        '{"_id":"x","a\\u0000b":1}',
        '{"_id":"x","a":{"_bsontype":"Long"}}',
      ];
      for (const text of documents) await expect(records.insertOne(JSON.parse(text) as Record)).rejects.toBeInstanceOf(TypeError);
      for (const path of ['__proto__.hacked', 'a.__proto__.b', 'a._bsontype', 'a\0b', '$a', 'a.', '.a']) {
        await expect(records.find({ [path]: 1 })).rejects.toBeInstanceOf(UnsupportedQueryError);
        await expect(records.updateOne({}, { $set: { [path]: 1 } })).rejects.toBeInstanceOf(UnsupportedQueryError);
      }
      await records.updateOne({}, { $set: { 'constructor.prototype.hacked': 1 } });
      expect('hacked' in {}).toBe(false);
      expect(await records.countDocuments({})).toBe(1);
    });

    it('stores a lone surrogate as the replacement character and finds it by either', async () => {
      const records = await collectionOf(database, [{ _id: 'a', v: 'x\ud800' }], [{ keys: { v: 1 }, unique: true }]);
      expect(await records.findOne({ v: 'x\ud800' })).toEqual({ _id: 'a', v: 'x\ufffd' });
      expect(await records.findOne({ v: 'x\ufffd' })).toEqual({ _id: 'a', v: 'x\ufffd' });
    });

    it('refuses what is nested too deeply', async () => {
      const records = await collectionOf(database);
      let deep: unknown = 1;
      for (let i = 0; i < 5000; i++) deep = i % 2 === 0 ? [deep] : { deep };
      await expect(records.insertOne({ _id: 'a', deep } as Record)).rejects.toBeInstanceOf(TypeError);
      let filter: Filter = { a: 1 };
      for (let i = 0; i < 5000; i++) filter = { $and: [filter] };
      await expect(records.find(filter)).rejects.toBeInstanceOf(UnsupportedQueryError);
    });
  });
}
