import { describe, expect, it } from '@jest/globals';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { newEnvelope } from '../src/envelope.ts';
import { openBus } from '../src/open.ts';
import type { Delivery } from '../src/port.ts';
import { startBusChild } from './child.ts';
import { busConformance } from './conformance.ts';
import { topology } from './topology.ts';
import { until } from './until.ts';

async function newPlace() {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-bus-'));
  return {
    folder,
    file: join(folder, 'deep', 'bus.sqlite'),
    url: `sqlite:${join(folder, 'deep', 'bus.sqlite')}`,
    dispose: () => rm(folder, { recursive: true }),
  };
}

const envelope = (data: unknown = {}) => newEnvelope({ source: 'test', type: 'job.do', data });
const worker = { service: 'worker', type: 'job.do' } as const;

busConformance('sqlite', newPlace);

describe('openBus', () => {
  it('names what is wrong with a URL that it cannot open', () => {
    expect(() => openBus('mqtt://broker', { topology })).toThrow('no bus for the scheme mqtt:');
    expect(() => openBus('bus.sqlite', { topology })).toThrow('scheme');
    expect(() => openBus('sqlite:', { topology })).toThrow('file');
  });
});

describe('the sqlite bus', () => {
  it('takes over at once from a process that is certainly gone, however long its lease', async () => {
    const place = await newPlace();
    const bus = openBus(place.url, { topology, leaseMs: 600_000 });
    const child = await startBusChild(place.url, 'hold', { leaseMs: 600_000 });
    await bus.publish(envelope());
    await until('the child has it', () => child.said('got').length === 1);
    await child.kill();
    const attempts: number[] = [];
    bus.subscribe({ ...worker, handler: async ({ attempt }) => void attempts.push(attempt) });
    await until('it has come', () => attempts.length === 1);
    expect(attempts).toEqual([2]);
    await bus.close();
    await place.dispose();
  });

  it('aborts the signal of a delivery whose lease was taken, and ignores how it ends', async () => {
    const place = await newPlace();
    let shiftMs = 0;
    const [slow, quick] = [
      openBus(place.url, { topology, leaseMs: 900 }),
      openBus(place.url, { topology, leaseMs: 900, now: () => Date.now() + shiftMs }),
    ];
    const aborted = Promise.withResolvers<void>();
    const finish = Promise.withResolvers<void>();
    const first = slow.subscribe({
      ...worker,
      prefetch: 1,
      handler: async ({ signal }: Delivery) => {
        signal.addEventListener('abort', () => aborted.resolve());
        await finish.promise;
      },
    });
    await slow.publish(envelope());
    await until('it is under way', async () => (await slow.depths()).some(({ underWay }) => underWay === 1));
    shiftMs = 60_000;
    const second = Promise.withResolvers<Delivery>();
    quick.subscribe({ ...worker, handler: async (delivery) => (second.resolve(delivery), finish.promise) });
    expect((await second.promise).attempt).toBe(2);
    await aborted.promise;
    finish.resolve();
    await first.stop();
    await until('it is done', async () => (await slow.depths()).every((depth) => depth.waiting + depth.underWay + depth.dead === 0));
    await Promise.all([slow.close(), quick.close()]);
    await place.dispose();
  });

  it('refuses a file that is no queue file, and one of a newer version', async () => {
    const place = await newPlace();
    const [junk, newer] = [join(place.folder, 'junk'), join(place.folder, 'newer')];
    await writeFile(junk, 'this is not a database '.repeat(100));
    expect(() => openBus(`sqlite:${junk}`, { topology })).toThrow('not a database');
    const db = new DatabaseSync(newer);
    db.exec('PRAGMA user_version = 99');
    db.close();
    expect(() => openBus(`sqlite:${newer}`, { topology })).toThrow('newer version');
    await place.dispose();
  });

  it('keeps messages of queues that a later topology no longer has', async () => {
    const place = await newPlace();
    const before = openBus(place.url, { topology });
    await before.publish(envelope());
    await before.close();
    const after = openBus(place.url, { topology: { 'video.seen': [] } });
    expect(await after.depths()).toContainEqual({ queue: 'worker.job.do', waiting: 1, underWay: 0, dead: 0 });
    await after.close();
    await place.dispose();
  });

  it('keeps the log for listeners short', async () => {
    const place = await newPlace();
    const bus = openBus(place.url, { topology });
    for (let batch = 0; batch < 10; batch += 1) {
      await bus.publish(Array.from({ length: 1_000 }, () => newEnvelope({ source: 'test', type: 'video.seen', data: {} })));
    }
    await bus.close();
    const db = new DatabaseSync(place.file);
    expect(Number(db.prepare('SELECT count(*) AS rows FROM recent').get()?.['rows'])).toBeLessThan(4_400);
    db.close();
    await place.dispose();
  });
});
