/** What only a broker of one's own shows: its death, its limits on consumers, its want of memory. */
import { describe, expect, it, jest } from '@jest/globals';
import { newEnvelope } from '../src/envelope.ts';
import { type Bus, type Delivery, NonRetryableError } from '../src/port.ts';
import { openRabbitBus, type RabbitBusOptions } from '../src/rabbitmq.ts';
import { type Broker, startBroker } from './broker.ts';
import { openTcpProxy } from './tcp-proxy.ts';
import { topology } from './topology.ts';
import { until } from './until.ts';

jest.setTimeout(300_000); // brokers start here, each in some ten seconds

const envelope = (data: unknown = {}) => newEnvelope({ source: 'test', type: 'job.do', data });
const worker = { service: 'worker', type: 'job.do' } as const;
const queue = 'worker.job.do';

interface Bench {
  readonly broker: Broker;
  readonly open: (options?: Partial<RabbitBusOptions>, url?: string) => Bus;
}

/** Runs `test` with a broker of its own. */
const onBench = (settings: Parameters<typeof startBroker>[0], test: (bench: Bench) => Promise<void>) => async (): Promise<void> => {
  const broker = await startBroker(settings);
  const buses: Bus[] = [];
  const open: Bench['open'] = (options = {}, url = broker.url) => {
    buses.push(openRabbitBus(url, { topology, ...options }));
    return buses.at(-1) as Bus;
  };
  try {
    await test({ broker, open });
  } finally {
    await Promise.all(buses.map((bus) => bus.close(0)));
    await broker.dispose();
  }
};

const isEmpty = async (bus: Bus): Promise<boolean> =>
  (await bus.depths().catch(() => [])).every(({ waiting, underWay, dead }) => waiting + underWay + dead === 0);
const hasWorked = (work: Promise<unknown>): Promise<boolean> => work.then(() => true, () => false); // prettier-ignore
/** Resolves at the first failure of `bus.ping`. */
const isAway = (bus: Bus) => until('the broker is away', async () => !(await hasWorked(bus.ping())));
const ofJob = async (bus: Bus) => (await bus.depths()).find((depth) => depth.queue === queue);

describe('a broker that is killed and started again', () => {
  it(
    'has kept everything that it confirmed: waiting, under way, delayed, dead',
    // What passes from one queue of the delay chain to the next when the broker dies may be tried again only after this; three minutes by default.
    onBench({ terms: ['{dead_letter_worker_publisher_confirm_timeout, 5000}'] }, async ({ broker, open }) => {
      const [publisher, consumer] = [open(), open()];
      await publisher.ready();
      const declaredAt = performance.now(); // RabbitMQ 3.10 may never elect a leader for a queue declared a second before a kill
      await publisher.publish(
        Array.from({ length: 50 }, (_, number) => newEnvelope({ source: 'test', type: 'video.changed', data: number })),
      );
      const [confirmed, done, failed]: Set<string>[] = [new Set(), new Set(), new Set()];
      const dead = [envelope('dead'), envelope('dead')];
      const handler = async ({ envelope: { id, data } }: Delivery) => {
        if (data === 'dead') throw new NonRetryableError('cannot ever work');
        if (data === 'fails first' && !failed?.has(id)) {
          failed?.add(id);
          throw new Error('not yet');
        }
        done?.add(id);
      };
      consumer.subscribe({ ...worker, maxAttempts: 100, backoffMs: 400, handler });
      await publisher.publish(dead);
      await until('they are dead', async () => (await ofJob(consumer))?.dead === 2);
      let isOver = false;
      const publishing = (async () => {
        for (let count = 0; !isOver; count += 1) {
          const each = envelope(count % 3 ? 'works' : 'fails first');
          if (await hasWorked(publisher.publish(each, count % 5 === 0 ? { delayMs: 3_000 } : {}))) confirmed?.add(each.id);
        }
      })();
      for (const most of [200, 400]) {
        await until('much is confirmed', () => (confirmed?.size ?? 0) >= most && performance.now() > declaredAt + 5_000);
        await broker.kill();
        await isAway(publisher);
        await broker.start();
        await until('it is published again', () => hasWorked(publisher.publish(envelope())));
      }
      isOver = true;
      await publishing;
      await until('all confirmed are done', () => [...(confirmed ?? [])].every((id) => done?.has(id)), 120_000);
      expect((await consumer.deadLetters(queue)).map((letter) => letter.envelope.id).sort()).toEqual(dead.map(({ id }) => id).sort());
      expect(await consumer.depths()).toContainEqual({ queue: 'catalog.video.changed', waiting: 50, underWay: 0, dead: 0 });
      expect(confirmed?.size).toBeGreaterThanOrEqual(400);
    }),
  );
});

describe('a broker that takes back what is under way for three seconds', () => {
  const impatient = { terms: ['{consumer_timeout, 3000}', '{channel_tick_interval, 500}'] };
  /** A handler that takes `ms`, and what it has been called with. */
  const slow = (ms: number) => {
    const calls: number[] = [];
    const ends: number[] = [];
    const handler = async ({ attempt, signal }: Delivery) => {
      calls.push(attempt);
      const end = performance.now() + ms;
      await until('the work is done', () => performance.now() > end);
      expect(signal.aborted).toBe(false);
      ends.push(attempt);
    };
    return { calls, ends, handler };
  };

  it(
    'leaves a handler at work that takes longer; it is begun once in a process and its message is done with at its end',
    onBench(impatient, async ({ open }) => {
      const [bus, watch] = [open(), open()];
      const job = slow(11_000);
      bus.subscribe({ ...worker, prefetch: 1, maxAttempts: 2, handler: job.handler });
      await bus.publish(envelope());
      await until('it is done', () => job.ends.length === 1);
      await until('nothing is left', () => isEmpty(watch));
      expect(job.calls).toEqual([1]);
    }),
  );

  it(
    'has nothing to take back of a delivery that is moved aside in time, which nobody else begins and nothing else waits for',
    onBench(impatient, async ({ open }) => {
      const logged: string[] = [];
      const options: Partial<RabbitBusOptions> = { asideMs: 1_000, log: (_, message) => logged.push(message) };
      const buses = [open(options), open(options)];
      const watch = open();
      const jobs = [slow(12_000), slow(12_000)];
      buses.forEach((bus, index) => bus.subscribe({ ...worker, prefetch: 1, handler: jobs[index]?.handler ?? (async () => undefined) }));
      await Promise.all(buses.map((bus) => bus.ready()));
      await buses[0]?.publish([envelope(1), envelope(2)]);
      await until('both have one', () => jobs.every(({ calls }) => calls.length === 1));
      await buses[0]?.publish(envelope(3));
      await until('the third waits for whoever is free', async () => (await ofJob(watch))?.waiting === 1);
      await until('all are done', () => jobs.flatMap(({ ends }) => ends).length === 3);
      await until('nothing is left', () => isEmpty(watch));
      expect(jobs.flatMap(({ calls }) => calls)).toEqual([1, 1, 1]);
      expect(logged).not.toContain('subscription is interrupted');
    }),
  );

  it(
    'gives what was moved aside to others when its process ends, as a further attempt',
    onBench(impatient, async ({ broker, open }) => {
      const proxy = await openTcpProxy(broker.port);
      const url = new URL(broker.url);
      url.port = String(proxy.port);
      const lost = open({ asideMs: 1_000 }, url.href);
      const got: Delivery[] = [];
      lost.subscribe({ ...worker, handler: (delivery) => (got.push(delivery), new Promise(() => undefined)) });
      const sent = envelope();
      await lost.publish(sent);
      const start = performance.now();
      await until('two turns of the limit have passed', () => performance.now() - start > 7_000);
      expect(got).toHaveLength(1);
      proxy.refuse();
      const heir = open();
      const inherited = Promise.withResolvers<Delivery>();
      heir.subscribe({ ...worker, handler: async (delivery) => inherited.resolve(delivery) });
      expect(await inherited.promise).toMatchObject({ envelope: sent, attempt: 2 });
      await until('nothing is left', () => isEmpty(heir));
      await lost.close(0);
      await proxy.close();
    }),
  );
});

describe('a broker short of memory', () => {
  it(
    'makes publishers wait to their deadline, is told in the log, and lets consumers go on',
    onBench({}, async ({ broker, open }) => {
      const logged: string[] = [];
      const bus = open({ publishMs: 1_500, log: (_, message) => logged.push(message) });
      await bus.ready();
      const finish = Promise.withResolvers<void>();
      const got: unknown[] = [];
      bus.subscribe({ ...worker, prefetch: 1, handler: async ({ envelope: { data } }) => (got.push(data), finish.promise) });
      await bus.publish([envelope(1), envelope(2), envelope(3)]);
      await until('one is under way', () => got.length === 1);
      await broker.control('set_vm_memory_high_watermark', 'absolute', '1MB');
      await until(
        'publishing fails',
        async () => !(await hasWorked(bus.publish(newEnvelope({ source: 'test', type: 'video.seen', data: {} })))),
      );
      await until('it is told', () => logged.includes('broker takes no messages'));
      await expect(bus.publish(envelope(4))).rejects.toThrow(/takes no messages now/);
      finish.resolve();
      await until('all are handled', () => got.length === 3);
      await bus.ping();
      const waiting = bus.publish(envelope(5)).catch(() => bus.publish(envelope(5)));
      await broker.control('set_vm_memory_high_watermark', '0.9');
      await until('it is over', () => logged.includes('broker takes messages again'));
      await waiting.catch(() => bus.publish(envelope(5)));
      await until('it has come', () => got.includes(5));
    }),
  );
});
