/** What only a server shows: its death, its absence, its silence; and what replicas of several releases do to each other's indexes. */
import { inspect } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient, type Db } from 'mongodb';
import { DocumentStoreError, openDocuments, type Collection, type CollectionSpec, type Documents } from '../src/index.ts';
import type { Record } from './conformance/record.ts';
import { openFreezingProxy } from './freezing-proxy.ts';
import { ownServer, serverStatus } from './own-server.ts';
import { until } from './until.ts';

const url = process.env['MONGODB_URL'] ?? '';
const { host } = new URL(url);
const namesIndexesItself = (await serverStatus(url)).process === 'nx_27017';

describe('a server that is killed under writes and started again', () => {
  it('has every acknowledged write, and the client goes on by itself', async () => {
    const server = await ownServer(url);
    await server.start();
    const documents = openDocuments(`mongodb://127.0.0.1:${server.port}/killed?serverSelectionTimeoutMS=2000`, 'test');
    const written = documents.collection<Record>('written', { indexes: [{ keys: { n: 1 }, unique: true }] });
    await documents.ready();
    const acknowledged = new Set<string>();
    let next = 0;
    let isOver = false;
    const write = async (): Promise<void> => {
      while (!isOver) {
        const n = next++;
        // What was not acknowledged may be there or not.
        await written.insertOne({ _id: `r${n}`, n }).then(
          () => acknowledged.add(`r${n}`),
          () => undefined,
        );
      }
    };
    const writers = Array.from({ length: 4 }, write);
    await until('some writes are acknowledged', () => acknowledged.size > 100);
    await server.kill();
    const before = acknowledged.size;
    await expect(written.findOne({})).rejects.toThrow(DocumentStoreError);
    await server.start();
    await until('writes go on', () => acknowledged.size > before + 100);
    isOver = true;
    await Promise.all(writers);
    const kept = new Set((await written.find({}, { limit: 1_000_000 })).map(({ _id }) => _id));
    expect([...acknowledged].filter((id) => !kept.has(id))).toEqual([]);
    await documents.close();
    await server.dispose();
  });
});

describe('a server that is away at the start', () => {
  it('is reported in a plain sentence within the deadline, and found when asked again', async () => {
    const server = await ownServer(url);
    const documents = openDocuments(`mongodb://127.0.0.1:${server.port}/away?serverSelectionTimeoutMS=300`, 'test');
    const records = documents.collection<Record>('records', { indexes: [{ keys: { n: 1 } }] });
    const askedAt = performance.now();
    await expect(documents.ready()).rejects.toThrow(`no MongoDB server answers at 127.0.0.1:${server.port}`);
    await expect(records.findOne({})).rejects.toThrow(DocumentStoreError);
    await expect(documents.ping()).rejects.toThrow('no MongoDB server answers');
    expect(performance.now() - askedAt).toBeLessThan(20_000); // without the setting each waits 30 s
    await server.start();
    await documents.ready();
    await records.insertOne({ _id: 'a' });
    expect(await records.find({})).toEqual([{ _id: 'a' }]);
    await documents.close();
    await server.dispose();
  });

  it('never tells the password', async () => {
    const documents = openDocuments('mongodb://kinora:hushhush@127.0.0.1:9/away?serverSelectionTimeoutMS=200', 'test');
    const [refused] = await Promise.allSettled([documents.ready()]);
    expect(refused.status).toBe('rejected');
    expect(inspect(refused, { depth: 20, showHidden: true })).not.toContain('hushhush');
    await documents.close();
  });
});

describe('a server that falls silent', () => {
  it('is waited for by who starts, longer than by who asks whether it is there', async () => {
    const proxy = await openFreezingProxy(Number(new URL(url).port || 27017));
    const documents = openDocuments(`mongodb://127.0.0.1:${proxy.port}/patient-${process.pid}`, 'test');
    await documents.ready();
    const records = documents.collection<Record>('records', { indexes: [{ keys: { n: 1 } }] });
    proxy.freeze();
    const isReady = documents.ready();
    await expect(documents.ping()).rejects.toThrow('MongoDB has not answered within 2000 ms');
    proxy.thaw();
    await isReady;
    await records.insertOne({ _id: 'a', n: 1 });
    await documents.close();
    await proxy.close();
  });

  it('lets no call wait past its deadline, and is asked again when it speaks', async () => {
    const proxy = await openFreezingProxy(Number(new URL(url).port || 27017));
    const waits = 'serverSelectionTimeoutMS=400&connectTimeoutMS=400&socketTimeoutMS=400&waitQueueTimeoutMS=400';
    const documents = openDocuments(`mongodb://127.0.0.1:${proxy.port}/silent-${process.pid}?${waits}`, 'test');
    const records = documents.collection<Record>('records', { indexes: [] });
    await documents.ready();
    await records.insertOne({ _id: 'a', n: 1 });
    proxy.freeze();
    const calls: { readonly [name: string]: () => Promise<unknown> } = {
      find: () => records.find({}),
      findOne: () => records.findOne({ _id: 'a' }),
      scan: () => records.scan({})[Symbol.asyncIterator]().next(),
      countDocuments: () => records.countDocuments({}),
      insertOne: () => records.insertOne({ _id: 'b' }),
      insertMany: () => records.insertMany([{ _id: 'c' }, { _id: 'd' }]),
      updateOne: () => records.updateOne({ _id: 'a' }, { $set: { n: 2 } }),
      updateMany: () => records.updateMany({ n: 1 }, { $set: { n: 2 } }),
      findOneAndUpdate: () => records.findOneAndUpdate({ _id: 'a' }, { $set: { n: 2 } }),
      deleteOne: () => records.deleteOne({ _id: 'a' }),
      deleteMany: () => records.deleteMany({ n: 1 }),
      names: () => documents.names(),
      ping: () => documents.ping(),
    };
    const askedAt = performance.now();
    const nameOf = (error: unknown): string => (error instanceof Error ? error.name : 'not an error');
    const outcomes = await Promise.all(
      Object.entries(calls).map(async ([name, call]) => [name, await call().then(() => 'answered', nameOf)]),
    );
    expect(performance.now() - askedAt).toBeLessThan(20_000); // without the settings half a minute, or for ever
    expect(outcomes).toEqual(Object.keys(calls).map((name) => [name, 'DocumentStoreError']));
    proxy.thaw();
    await until('it answers', () => documents.ping().then(() => true, () => false)); // prettier-ignore
    expect(await records.countDocuments({ _id: 'a' })).toBe(1);
    proxy.freeze();
    await documents.close();
    await proxy.close();
  });
});

describe('a network that ends every connection', () => {
  it('is got over by every client, however often', async () => {
    const proxy = await openFreezingProxy(Number(new URL(url).port || 27017));
    const waits = 'serverSelectionTimeoutMS=1000&connectTimeoutMS=1000';
    const services = Array.from({ length: 8 }, () =>
      openDocuments(`mongodb://127.0.0.1:${proxy.port}/ended-${process.pid}?${waits}`, 'test'),
    );
    const answeredAt = services.map(() => 0);
    let isOver = false;
    const ask = async (records: Collection<Record>, index: number): Promise<void> => {
      for (; !isOver; await new Promise(setImmediate))
        await records.findOne({}).then(
          () => (answeredAt[index] = performance.now()),
          () => undefined,
        );
    };
    const asking = services.flatMap((documents, index) => {
      const records = documents.collection<Record>('records', { indexes: [] });
      return [ask(records, index), ask(records, index), ask(records, index)];
    });
    for (let time = 0; time < 16; time++) {
      const endedAt = performance.now();
      proxy.endAll();
      await until(`every client to go on after end ${time}`, () => answeredAt.every((at) => at > endedAt));
    }
    isOver = true;
    await Promise.all(asking);
    for (const documents of services) await documents.close();
    await proxy.close();
  });
});

describe('indexes during an update', () => {
  const database = `rolling-${process.pid}-test`;
  const client = new MongoClient(url);
  let db: Db;
  beforeAll(() => {
    db = client.db(database);
  });
  afterAll(async () => {
    await db.dropDatabase();
    await client.close();
  });

  /** A replica of the release that declares these. */
  async function start(collection: string, indexes: CollectionSpec['indexes']): Promise<Documents> {
    const documents = openDocuments(`${url}/rolling-${process.pid}`, 'test');
    documents.collection(collection, { indexes });
    await documents.ready();
    return documents;
  }

  const restart = async (collection: string, indexes: CollectionSpec['indexes']) => (await start(collection, indexes)).close();
  const paths = async (collection: string): Promise<string[]> =>
    (await db.collection(collection).listIndexes().toArray()).map(({ key }) => Object.keys(key as object).join()).sort();
  const notes = () => db.collection<{ readonly _id: string; readonly undeclaredAt: string }>('kinora_indexes');

  it('are all there when replicas of two releases start together', async () => {
    const replicas = await Promise.all(
      [1, 2, 3, 4].map((n) => start('together', [{ keys: { common: 1 } }, { keys: { [`of${n % 2}`]: 1 } }])),
    );
    expect(await paths('together')).toEqual(['_id', 'common', 'of0', 'of1']);
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  const itDrops = namesIndexesItself ? it.skip : it;
  itDrops('are kept for the old release for a day, then dropped by a start of the new one [nx-27017 names indexes itself]', async () => {
    await restart('kept', [{ keys: { common: 1 } }, { keys: { old: 1 } }]);
    await restart('kept', [{ keys: { common: 1 } }, { keys: { fresh: 1 } }]);
    await restart('kept', [{ keys: { common: 1 } }, { keys: { fresh: 1 } }]);
    expect(await paths('kept')).toEqual(['_id', 'common', 'fresh', 'old']);
    const yesterday = new Date(Date.now() - 25 * 3_600_000).toISOString();
    await notes().updateMany({}, { $set: { undeclaredAt: yesterday } });
    await restart('kept', [{ keys: { common: 1 } }, { keys: { old: 1 } }]);
    expect(await paths('kept')).toEqual(['_id', 'common', 'fresh', 'old']);
    await restart('kept', [{ keys: { common: 1 } }, { keys: { fresh: 1 } }]);
    await notes().updateMany({}, { $set: { undeclaredAt: yesterday } });
    const replicas = await Promise.all([1, 2].map(() => start('kept', [{ keys: { common: 1 } }, { keys: { fresh: 1 } }])));
    expect(await paths('kept')).toEqual(['_id', 'common', 'fresh']);
    await Promise.all(replicas.map((replica) => replica.close()));
  });

  it('of an operator are left alone', async () => {
    await db.collection('theirs').createIndex({ mine: 1 });
    await restart('theirs', [{ keys: { common: 1 } }]);
    await restart('theirs', [{ keys: { mine: 1 } }]);
    await restart('theirs', []);
    expect(await paths('theirs')).toEqual(['_id', 'common', 'mine']);
  });
});

it('keeps the databases of two installations on one server apart', async () => {
  const opened = ['first', 'second'].map((name) => openDocuments(`mongodb://${host}/${name}-${process.pid}`, 'test'));
  const [first, second] = opened.map((documents) => documents.collection<Record>('records', { indexes: [] }));
  await first?.insertOne({ _id: 'a' });
  expect(await second?.find({})).toEqual([]);
  await Promise.all(opened.map((documents) => documents.close()));
  const client = new MongoClient(url);
  for (const name of ['first', 'second']) await client.db(`${name}-${process.pid}-test`).dropDatabase();
  await client.close();
});
