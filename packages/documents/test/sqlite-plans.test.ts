import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { openDocuments, type Collection, type Documents, type Filter, type FindOptions } from '../src/index.ts';
import type { Record } from './conformance/record.ts';

/** Node counts the steps of SQLite's virtual machine per statement; its typings lack it still. */
type Counted = StatementSync & { stat(counter: 'vmStep' | 'fullscanStep' | 'sort'): number; resetStats(): void };

const indexes = [
  { keys: { visibility: 1, watchable: 1, publishedAt: 1, _id: 1 } },
  { keys: { visibility: 1, watchable: 1, viewCount: -1, _id: -1 } },
  { keys: { tags: 1, visibility: 1, publishedAt: -1, _id: -1 } },
  { keys: { 'outbox.id': 1 } },
  { keys: { outboxAt: 1 }, sparse: true },
  { keys: { slug: 1 }, unique: true, sparse: true },
] as const;

const LISTED = { visibility: 'public', watchable: true };
const NEWEST = { sort: { publishedAt: -1, _id: -1 }, limit: 24 } as const;
const MOST_VIEWED = { sort: { viewCount: -1, _id: -1 }, limit: 24 } as const;

function publishedAt(n: number): string {
  return new Date(1_700_000_000_000 + Math.floor(n / 5) * 1000).toISOString();
}

/** Most videos have no view, so that pages by views run through long ties. */
function video(n: number): Record {
  const _id = `v${String(n).padStart(7, '0')}`;
  const pending = n % 500 === 0 ? { outboxAt: publishedAt(n), outbox: [{ id: `e${n}` }, { id: `f${n}` }] } : {};
  const tags = ['all', `tag${n % 9}`];
  return {
    _id,
    visibility: n % 10 === 0 ? 'private' : 'public',
    watchable: true,
    publishedAt: publishedAt(n),
    viewCount: n % 400 === 1 ? n : 0,
    tags,
    ...pending,
  };
}

describe('queries in SQLite', () => {
  const statements = new Set<Counted>();
  const prepare = DatabaseSync.prototype.prepare;
  let folder = '';
  let documents: Documents;
  let small: Collection<Record>;
  let large: Collection<Record>;

  beforeAll(async () => {
    jest.spyOn(DatabaseSync.prototype, 'prepare').mockImplementation(function (this: DatabaseSync, sql) {
      const statement = prepare.call(this, sql);
      statements.add(statement as Counted);
      return statement;
    });
    folder = await mkdtemp(join(tmpdir(), 'kinora-documents-'));
    documents = openDocuments(`sqlite:${folder}`, 'plans');
    small = documents.collection<Record>('small', { indexes });
    large = documents.collection<Record>('large', { indexes });
    await documents.ready();
    for (let n = 0; n < 20_000; n += 2000) {
      await Promise.all(Array.from({ length: 2000 }, (_, i) => large.insertOne(video(n + i))));
    }
    await Promise.all(Array.from({ length: 1000 }, (_, n) => small.insertOne(video(n))));
  });

  afterAll(async () => {
    jest.restoreAllMocks();
    await documents.close();
    await rm(folder, { recursive: true });
  });

  /** What SQLite did for one call: steps of its virtual machine, sorts, and the plans of the statements that ran. */
  async function work(call: () => Promise<unknown>) {
    await call();
    for (const statement of statements) statement.resetStats();
    await call();
    const ran = [...statements].filter((statement) => statement.stat('vmStep') > 0);
    const database = new DatabaseSync(join(folder, 'plans.sqlite'));
    const explain = ({ sourceSQL }: Counted) => prepare.call(database, `EXPLAIN QUERY PLAN ${sourceSQL}`).all();
    const plans = ran.flatMap(explain).map(({ detail }) => String(detail));
    database.close();
    const sum = (counter: 'vmStep' | 'sort') => ran.reduce((total, statement) => total + statement.stat(counter), 0);
    return { steps: sum('vmStep'), sorts: sum('sort'), plan: plans.join('\n') };
  }

  const after = (n: number, path: string, value: string | number): Filter => ({
    $or: [{ [path]: { $lt: value } }, { [path]: value, _id: { $lt: video(n)._id } }],
  });

  it.each<[string, Filter, FindOptions, number]>([
    ['newest', LISTED, NEWEST, 24],
    ['newest after a cursor', { ...LISTED, ...after(500, 'publishedAt', publishedAt(500)) }, NEWEST, 24],
    ['most viewed', LISTED, MOST_VIEWED, 24],
    ['most viewed, deep in a tie', { ...LISTED, ...after(500, 'viewCount', 0) }, MOST_VIEWED, 24],
    ['newest with a tag', { tags: 'all', visibility: 'public' }, NEWEST, 24],
    ['newest with a tag after a cursor', { tags: 'all', visibility: 'public', ...after(500, 'publishedAt', publishedAt(500)) }, NEWEST, 24],
    ['one by _id', { _id: 'v0000500' }, {}, 1],
    ['several by _id', { _id: { $in: ['v0000500', 'v0000001', 'none'] } }, {}, 2],
    ['one by the id of an element', { 'outbox.id': 'f500' }, {}, 1],
    ['one by $elemMatch', { outbox: { $elemMatch: { id: 'f500' } } }, {}, 1],
  ])('cost the same among 1 000 and 20 000 documents: %s', async (_, filter, options, count) => {
    expect(await large.find(filter, options)).toHaveLength(count);
    const few = await work(() => small.find(filter, options));
    const many = await work(() => large.find(filter, options));
    expect(many.steps).toBeLessThanOrEqual(few.steps * 1.1 + 20);
    expect(many.plan).not.toMatch(/SCAN|TEMP B-TREE/);
  });

  it.each<[string, Filter, FindOptions, RegExp]>([
    ['compound', LISTED, NEWEST, /SEARCH e USING PRIMARY KEY \(k0=\? AND k1=\?\)/],
    [
      'compound with a cursor',
      { ...LISTED, ...after(500, 'publishedAt', publishedAt(500)) },
      NEWEST,
      /\(k0=\? AND k1=\? AND k2>\? AND \(k2,k3\)<\(\?,\?\)\)/,
    ],
    ['descending', { ...LISTED, viewCount: { $gte: 5 } }, MOST_VIEWED, /\(k0=\? AND k1=\? AND k2>\? AND k2<\?\)/],
    ['multikey', { 'outbox.id': 'e500' }, {}, /SEARCH e USING PRIMARY KEY \(k0=\?\)/],
    ['multikey compound', { tags: 'tag1', visibility: 'public' }, NEWEST, /SEARCH e USING PRIMARY KEY \(k0=\? AND k1=\?\)/],
    ['sparse', { outboxAt: { $lt: publishedAt(2000) } }, { sort: { outboxAt: 1 } }, /SEARCH e USING PRIMARY KEY \(k0>\? AND k0<\?\)/],
    ['unique', { slug: 'my-video' }, {}, /SEARCH e USING PRIMARY KEY \(k0=\?\)/],
  ])('use an index that is %s', async (_, filter, options, plan) => {
    expect((await work(() => large.find(filter, options))).plan).toMatch(plan);
  });

  it('read a sparse index alone to find the few documents that have its field, oldest first', async () => {
    const { steps, sorts } = await work(() => large.find({ outboxAt: { $exists: true } }, { sort: { outboxAt: 1 }, limit: 10 }));
    expect(steps).toBeLessThan(300);
    expect(sorts).toBe(0);
  });

  it('count by index without reading documents', async () => {
    const { plan } = await work(() => large.countDocuments({ visibility: 'private', watchable: true }));
    expect(plan).toMatch(/^SEARCH e USING PRIMARY KEY \(k0=\? AND k1=\?\)$/m);
    expect(plan).not.toMatch(/ d /);
  });

  it('read no further than the limit when the rest of the filter is checked outside SQLite', async () => {
    const filter = { ...LISTED, title: { $exists: false } };
    const few = await work(() => small.find(filter, NEWEST));
    const many = await work(() => large.find(filter, NEWEST));
    expect(many.steps).toBeLessThanOrEqual(few.steps * 1.1 + 20);
  });

  it('scan in batches that do not read the documents before them', async () => {
    const tail = { _id: { $gt: 'v0000990' } };
    const read = async (collection: Collection<Record>) => {
      for await (const _ of collection.scan(tail, { batchSize: 5 })) break;
    };
    const few = await work(() => read(small));
    const many = await work(() => read(large));
    expect(many.steps).toBeLessThanOrEqual(few.steps * 1.1 + 20);
  });
});
