import { type Collection, DuplicateKeyError, openDocuments } from '@kinora/documents';
import { describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBus } from '../src/open.ts';
import { openOutbox, type Outbox, type Outboxed, type OutboxOptions } from '../src/outbox.ts';
import type { Bus } from '../src/port.ts';
import { startChild } from './child.ts';
import { changed, outboxed, type Video } from './outbox-videos.ts';
import { topology } from './topology.ts';
import { until } from './until.ts';

interface Account extends Outboxed {
  readonly email: string;
}

interface Bench {
  readonly folder: string;
  readonly bus: Bus;
  readonly videos: Collection<Video>;
  /** Data of the events that have arrived, with duplicates. */
  readonly arrived: unknown[];
  open(options?: Partial<OutboxOptions>): Outbox;
}

/** Runs `test` with real documents and a real bus, and stops what it has opened. */
function onBench(test: (bench: Bench) => Promise<void>): () => Promise<void> {
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kinora-outbox-'));
    const documents = openDocuments(`sqlite:${folder}`, 'videos');
    const videos = documents.collection<Video>('videos', outboxed);
    const accounts = documents.collection<Account>('accounts', outboxed);
    await documents.ready();
    const bus = openBus(`sqlite:${folder}/bus.sqlite`, { topology });
    const arrived: unknown[] = [];
    bus.subscribe({ service: 'catalog', type: 'video.changed', handler: async ({ envelope }) => void arrived.push(envelope.data) });
    const opened: Outbox[] = [];
    const open: Bench['open'] = (options) => {
      opened.push(openOutbox({ bus, collections: [videos, accounts], sweepMs: 50, ...options }));
      return opened.at(-1) as Outbox;
    };
    try {
      await test({ folder, bus, videos, arrived, open });
    } finally {
      await Promise.all(opened.map((outbox) => outbox.stop()));
      await bus.close(0);
      await documents.close();
      await rm(folder, { recursive: true });
    }
  };
}

const video = (_id: string): Video => ({ _id, version: 0, title: 'new' });

/**
 * `target` until `mayGoOn` says no: then every call of one of its methods fails, as everything does in a process that has died.
 * With `isLate` the first such call still takes effect, as when a process dies before it sees the answer.
 */
function mortal<T extends object>(target: T, mayGoOn: () => boolean, isLate: () => boolean = () => false): T {
  return new Proxy(target, {
    get: (object, name) => {
      const member: unknown = Reflect.get(object, name, object);
      if (typeof member !== 'function') return member;
      return async (...values: unknown[]) => {
        const isAlive = mayGoOn();
        const answer: unknown = isAlive || isLate() ? await (member as (...values: unknown[]) => unknown).apply(object, values) : undefined;
        if (!isAlive) throw new Error('the process has died');
        return answer;
      };
    },
  });
}

const withoutBus = (bus: Bus): Bus => mortal(bus, () => false);

/** Lets a process die after `steps` calls while it inserts, changes and removes a video, then checks what another makes of it. */
async function dieAfter(steps: number, isLate: boolean, { bus, videos, arrived, open }: Bench): Promise<void> {
  let left = steps;
  const ports = [() => (left -= 1) >= 0, () => isLate && left === -1] as const;
  const dying = mortal(videos, ...ports);
  const outbox = open({ bus: mortal(bus, ...ports), collections: [], sweepMs: 60_000 });
  const id = `after-${steps}`;
  const returned: string[] = [];
  const attempt = async (fact: string, write: () => Promise<unknown>) => {
    await write().then(
      () => returned.push(`${id} ${fact}`),
      () => undefined,
    );
  };
  await attempt('inserted', () => outbox.insert(dying, video(id), [changed(`${id} inserted`)]));
  const change = () => ({ update: { $set: { title: 'newer' } }, events: [changed(`${id} changed`)] });
  await attempt('changed', () => outbox.change(dying, id, change));
  await attempt('removed', () => outbox.remove(dying, id, () => [changed(`${id} removed`)]));
  await outbox.stop();
  const next = open();
  await until('nothing waits', async () => !(await videos.findOne({ outboxAt: { $gt: '' } })));
  const isDelivered = async () =>
    (await bus.depths()).every(({ queue, waiting, underWay }) => queue !== 'catalog.video.changed' || waiting + underWay === 0);
  await until('what was published has arrived', isDelivered);
  expect(returned.filter((data) => !arrived.includes(data))).toEqual([]);
  const facts = new Set(arrived.filter((data) => String(data).startsWith(`${id} `)).map((data) => String(data).split(' ')[1]));
  const after = await videos.findOne({ _id: id });
  expect(facts.has('inserted')).toBe(after !== undefined || facts.has('removed'));
  if (after) expect(facts.has('changed')).toBe(after.version === 1);
  if (returned.includes(`${id} removed`)) expect(after).toBeUndefined();
  await next.stop();
}

describe('outbox', () => {
  it(
    'publishes the events of each write and leaves nothing of them in the document',
    onBench(async ({ videos, arrived, open }) => {
      const outbox = open({ sweepMs: 60_000 });
      await outbox.insert(videos, video('a'), [changed('inserted')]);
      const after = await outbox.change(videos, 'a', () => ({
        update: { $set: { title: 'newer' } },
        events: [changed('one'), changed('two')],
      }));
      expect(after).toMatchObject({ title: 'newer', version: 1 });
      await outbox.flush();
      expect(await videos.findOne({ _id: 'a' })).toEqual({ _id: 'a', version: 1, title: 'newer' });
      expect(await outbox.lagSeconds()).toBe(0);
      await until('all have arrived', () => arrived.length === 3);
      expect(arrived.sort()).toEqual(['inserted', 'one', 'two']);
    }),
  );

  it(
    'neither writes nor publishes when the document exists, when decide declines, or when it touches what is the outbox’s',
    onBench(async ({ videos, arrived, open }) => {
      const outbox = open();
      await outbox.insert(videos, video('a'), []);
      await expect(outbox.insert(videos, video('a'), [changed('twice')])).rejects.toThrow(DuplicateKeyError);
      expect(await outbox.change(videos, 'a', () => undefined)).toEqual(video('a'));
      expect(await outbox.change(videos, 'unknown', () => ({ update: {} }))).toBeUndefined();
      await expect(outbox.change(videos, 'a', () => ({ update: { $set: { version: 7 } } }))).rejects.toThrow('version');
      await outbox.flush();
      expect(await videos.findOne({ _id: 'a' })).toEqual(video('a'));
      expect(arrived).toEqual([]);
    }),
  );

  it(
    'applies every one of many racing changes exactly once',
    onBench(async ({ videos, arrived, open }) => {
      const outboxes = [open(), open(), open()] as const;
      await outboxes[0].insert(videos, { ...video('a'), title: '' }, []);
      const letters = [...'abcdefghijklmnopqrstuvwxyz'];
      const decide = (letter: string) => (before: Video) => ({
        update: { $set: { title: before.title + letter } },
        events: [changed(letter)],
      });
      await Promise.all(letters.map((letter, index) => (outboxes[index % 3] ?? outboxes[0]).change(videos, 'a', decide(letter))));
      const after = await videos.findOne({ _id: 'a' });
      expect(after?.version).toBe(26);
      expect([...(after?.title ?? '')].sort()).toEqual(letters);
      await Promise.all(outboxes.map((outbox) => outbox.flush()));
      await until('all have arrived', () => letters.every((letter) => arrived.includes(letter)));
      await until('nothing waits', async () => (await videos.findOne({ _id: 'a' }))?.outboxAt === undefined);
    }),
  );

  it(
    'deletes a removed document once its events are published, and hides it at once from changes',
    onBench(async ({ bus, videos, arrived, open }) => {
      const broken = open({ bus: withoutBus(bus), sweepMs: 60_000 });
      await broken.insert(videos, video('a'), [changed('inserted')]);
      expect(await broken.remove(videos, 'a', (before) => [changed(`removed ${before.title}`)])).toMatchObject({ _id: 'a', title: 'new' });
      expect(await broken.remove(videos, 'a', () => [])).toBeUndefined();
      expect(await broken.change(videos, 'a', () => ({ update: {} }))).toBeUndefined();
      expect(await videos.countDocuments({ _id: 'a' })).toBe(1);
      open();
      await until('it is gone', async () => (await videos.countDocuments({ _id: 'a' })) === 0);
      await until('its events have arrived', () => arrived.includes('removed new') && arrived.includes('inserted'));
      await broken.flush();
    }),
  );

  it(
    'writes while the bus is down, tells the lag, and publishes when it is back',
    onBench(async ({ bus, videos, arrived, open }) => {
      let isUp = false;
      let now = new Date();
      const errors: unknown[] = [];
      const outbox = open({ bus: mortal(bus, () => isUp), now: () => now, onError: (error) => errors.push(error) });
      for (let count = 0; count < 150; count += 1) await outbox.insert(videos, video(`v${count}`), [changed(`${count}`)]);
      await expect(outbox.flush()).rejects.toThrow('has died');
      now = new Date(now.getTime() + 90_000);
      expect(await outbox.lagSeconds()).toBe(90);
      expect(errors.length).toBeGreaterThan(0);
      isUp = true;
      await until('all have arrived', () => new Set(arrived).size === 150);
      await until('nothing waits', async () => (await outbox.lagSeconds()) === 0);
      await outbox.flush();
    }),
  );

  it(
    'publishes every other event when one can never be published',
    onBench(async ({ videos, arrived, open }) => {
      await videos.insertOne({
        ...video('bad'),
        outbox: [JSON.stringify({ ...changed('bad'), type: 'video.unknown' })],
        outboxAt: '2026-01-01T00:00:00.000Z',
      });
      await videos.insertOne({ ...video('good'), outbox: [JSON.stringify(changed('good'))], outboxAt: '2026-01-02T00:00:00.000Z' });
      open();
      await until('the good one has arrived', () => arrived.includes('good'));
    }),
  );

  it.each(['before it takes effect', 'before its answer is seen'])(
    'keeps document and events together when the process dies at any step, %s',
    async (moment) => {
      await onBench(async (bench) => {
        for (let steps = 0; steps < 16; steps += 1) await dieAfter(steps, moment === 'before its answer is seen', bench);
      })();
    },
  );

  it(
    'publishes what killed processes have written, with several sweepers at work',
    onBench(async ({ folder, videos, arrived, open }) => {
      const written: string[] = [];
      for (const least of [3, 25, 60]) {
        const child = startChild('outbox-child.ts', [folder]);
        await until('enough is written', () => child.said('event').length >= least);
        await child.kill();
        written.push(...child.said('event').map((word) => word.replace(':', ' ')));
      }
      const outboxes = [open(), open()];
      await until('nothing waits', async () => (await outboxes[0]?.lagSeconds()) === 0);
      await until('all have arrived', () => written.every((data) => arrived.includes(data)));
      for (const data of written.filter((each) => each.endsWith('removed'))) {
        expect(await videos.countDocuments({ _id: data.split(' ')[0] ?? '' })).toBe(0);
      }
      expect(await videos.countDocuments({ $or: [{ outbox: { $exists: true } }, { removedAt: { $exists: true } }] })).toBe(0);
    }),
  );
});
