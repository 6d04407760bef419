import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newEnvelope } from '../src/envelope.ts';
import type { Bus, Envelope } from '../src/port.ts';
import { startBusChild } from './child.ts';
import type { InPlace } from './conformance.ts';
import { until } from './until.ts';

const envelope = (type: string, data: unknown = {}): Envelope => newEnvelope({ source: 'test', type, data });
const several = (count: number, type = 'job.do'): Envelope[] => Array.from({ length: count }, (_, number) => envelope(type, { number }));
const ids = (envelopes: readonly Envelope[]): string[] => envelopes.map(({ id }) => id).sort();

/** Collects what `service` gets. */
function collect(bus: Bus, service: string, type: string): Envelope[] {
  const got: Envelope[] = [];
  bus.subscribe({ service, type, handler: async ({ envelope: each }) => void got.push(each) });
  return got;
}

/** Queues, copies, competition, prefetch, delay, listeners, order of stopping. */
export function deliveryConformance(inPlace: InPlace): void {
  it(
    'keeps what was published before its receiver has ever run',
    inPlace(async ({ open }) => {
      const sent = several(3);
      const publisher = open();
      await publisher.ready();
      await publisher.publish(sent);
      await publisher.close();
      const got = collect(open(), 'worker', 'job.do');
      await until('all have come', () => got.length === 3);
      expect(ids(got)).toEqual(ids(sent));
    }),
  );

  it(
    'gives every receiving service a copy and replicas of it a share',
    inPlace(async ({ open }) => {
      const [first, second] = [open(), open()];
      const replicas = [collect(first, 'catalog', 'video.changed'), collect(second, 'catalog', 'video.changed')];
      const search = collect(first, 'search', 'video.changed');
      const sent = several(200, 'video.changed');
      await Promise.all(sent.map((each, index) => (index % 2 ? first : second).publish(each)));
      await until('all have come', () => replicas.flat().length >= 200 && search.length >= 200);
      expect(ids(replicas.flat())).toEqual(ids(sent));
      expect(ids(search)).toEqual(ids(sent));
    }),
  );

  it(
    'refuses a type outside the topology with all that was published with it',
    inPlace(async ({ open }) => {
      const bus = open();
      await expect(bus.publish([envelope('job.do'), envelope('job.unknown')])).rejects.toThrow('job.unknown');
      expect((await bus.depths()).every(({ waiting }) => waiting === 0)).toBe(true);
      expect(() => bus.subscribe({ service: 'worker', type: 'video.changed', handler: async () => undefined })).toThrow('worker');
      expect(() => bus.listen(['job.unknown'], () => undefined)).toThrow('job.unknown');
    }),
  );

  it(
    'delivers an envelope as it was when published, whatever its data',
    inPlace(async ({ open }) => {
      const bus = open();
      const got = collect(bus, 'worker', 'job.do');
      const check = async (data: unknown) => {
        const sent = envelope('job.do', JSON.parse(JSON.stringify({ data })));
        await bus.publish(sent);
        const found = await until('it has come', () => got.find(({ id }) => id === sent.id));
        expect(found).toEqual(sent);
      };
      await fc.assert(fc.asyncProperty(fc.jsonValue(), check), { numRuns: 40 });
      await check('x'.repeat(1_000_000));
    }),
  );

  it(
    'has as many deliveries under way as the prefetch, and no more',
    inPlace(async ({ open }) => {
      const bus = open();
      let underWay = 0;
      let most = 0;
      let done = 0;
      const handler = async () => {
        most = Math.max(most, (underWay += 1));
        await until('three are under way', () => most >= 3);
        await new Promise((resolve) => setTimeout(resolve, 2));
        underWay -= 1;
        done += 1;
      };
      bus.subscribe({ service: 'worker', type: 'job.do', prefetch: 3, handler });
      await bus.publish(several(50));
      await until('all are done', () => done === 50);
      expect(most).toBe(3);
    }),
  );

  it(
    'holds a delayed message back until its time',
    inPlace(async ({ open }) => {
      const bus = open();
      const arrivals: { data: unknown; at: number }[] = [];
      bus.subscribe({
        service: 'worker',
        type: 'job.do',
        handler: async ({ envelope: { data } }) => void arrivals.push({ data, at: Date.now() }),
      });
      const start = Date.now();
      await bus.publish(envelope('job.do', 'late'), { delayMs: 2_000 });
      await bus.publish(envelope('job.do', 'soon'));
      await until('both have come', () => arrivals.length === 2);
      expect(arrivals.map(({ data }) => data)).toEqual(['soon', 'late']);
      expect(arrivals[1]?.at).toBeGreaterThanOrEqual(start + 2_000);
      await expect(bus.publish(envelope('job.do'), { delayMs: 3_600_001 })).rejects.toThrow(RangeError);
    }),
  );

  it(
    'counts what waits, is under way and is dead',
    inPlace(async ({ open }) => {
      const bus = open();
      await bus.ready();
      expect((await bus.depths()).map(({ queue }) => queue).sort()).toEqual([
        'catalog.video.changed',
        'search.video.changed',
        'worker.job.do',
      ]);
      let started = 0;
      const handler = async () => {
        started += 1;
        await new Promise(() => undefined);
      };
      bus.subscribe({ service: 'worker', type: 'job.do', prefetch: 2, handler });
      await bus.publish(several(5));
      await until('two have started', () => started === 2);
      expect((await bus.depths()).find(({ queue }) => queue === 'worker.job.do')).toMatchObject({ waiting: 3, underWay: 2, dead: 0 });
    }),
  );

  it(
    'lets stop wait for the delivery under way and takes no more',
    inPlace(async ({ open }) => {
      const bus = open();
      const started = Promise.withResolvers<void>();
      const finish = Promise.withResolvers<void>();
      let count = 0;
      const handler = async () => {
        count += 1;
        started.resolve();
        await finish.promise;
      };
      const subscription = bus.subscribe({ service: 'worker', type: 'job.do', prefetch: 1, handler });
      await bus.publish(several(2));
      await started.promise;
      const stopped = subscription.stop();
      finish.resolve();
      await Promise.all([stopped, subscription.stop()]);
      expect(count).toBe(1);
      const got = collect(open(), 'worker', 'job.do');
      await until('the other is still there', () => got.length === 1);
    }),
  );

  it(
    'gives back on close what a handler does not finish, after its signal has aborted',
    inPlace(async ({ open }) => {
      const bus = open();
      const started = Promise.withResolvers<void>();
      let hasAborted = false;
      const handler = async ({ signal }: { signal: AbortSignal }) => {
        started.resolve();
        await new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error((hasAborted = true) && 'stopped early'))));
      };
      bus.subscribe({ service: 'worker', type: 'job.do', handler });
      await bus.publish(envelope('job.do'));
      await started.promise;
      await bus.close(10);
      expect(hasAborted).toBe(true);
      await expect(bus.publish(envelope('job.do'))).rejects.toThrow('closed');
      const got = collect(open(), 'worker', 'job.do');
      await until('it has come back', () => got.length === 1);
    }),
  );

  it(
    'tells listeners of every bus once, also of types that nobody receives, and forgets what they throw',
    inPlace(async ({ open }) => {
      const [first, second] = [open(), open()];
      await first.publish(envelope('video.seen', 'before'));
      const heard: Record<string, unknown[]> = { a: [], b: [], c: [] };
      first.listen(['video.seen'], ({ data }) => heard['a']?.push(data));
      second.listen(['video.seen', 'job.do'], ({ data }) => heard['b']?.push(data));
      second.listen(['video.seen'], () => {
        throw new Error('listener fails');
      });
      const stopped = second.listen(['video.seen'], ({ data }) => heard['c']?.push(data));
      await stopped.stop();
      await Promise.all([first.ready(), second.ready()]);
      await Promise.all(['one', 'two'].map((data) => first.publish(envelope('video.seen', data))));
      await second.publish(envelope('video.seen', 'three'));
      await first.publish(envelope('job.do', 'four'));
      await until('all is heard', () => heard['a']?.length === 3 && heard['b']?.length === 4);
      expect(heard['a']?.sort()).toEqual(['one', 'three', 'two']);
      expect(heard['b']?.sort()).toEqual(['four', 'one', 'three', 'two']);
      expect(heard['c']).toEqual([]);
    }),
  );

  it(
    'reaches listeners and consumers in other processes',
    inPlace(async ({ url, open }) => {
      const [listener, worker] = await Promise.all([startBusChild(url, 'listen'), startBusChild(url, 'work')]);
      try {
        const sent = several(20);
        await open().publish(sent);
        await until('both processes have seen all', () => listener.said('heard').length >= 20 && worker.said('done').length >= 20);
        expect(listener.said('heard').sort()).toEqual(ids(sent));
        expect(worker.said('done').sort()).toEqual(ids(sent));
      } finally {
        await Promise.all([listener.kill(), worker.kill()]);
      }
    }),
  );
}
