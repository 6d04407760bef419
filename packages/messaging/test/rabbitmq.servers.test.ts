import { describe, expect, it } from '@jest/globals';
import { topology as contracts } from '@kinora/contracts';
import { connect } from 'amqplib';
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { event, newEnvelope } from '../src/envelope.ts';
import { openRabbitBus, type RabbitBusOptions } from '../src/rabbitmq.ts';
import { type Bus, type Delivery, NonRetryableError } from '../src/port.ts';
import { startBusChild } from './child.ts';
import { busConformance } from './conformance.ts';
import { openTcpProxy, type TcpProxy } from './tcp-proxy.ts';
import { topology } from './topology.ts';
import { unruly } from './unruly.ts';
import { until } from './until.ts';
import { manage } from '../src/testing.ts';
import { newVhost, type Vhost } from './vhost.ts';

busConformance('rabbitmq', newVhost);

const envelope = (data: unknown = {}) => newEnvelope({ source: 'test', type: 'job.do', data });
const worker = { service: 'worker', type: 'job.do' } as const;
const queue = 'worker.job.do';

interface Bench {
  readonly vhost: Vhost;
  readonly proxy: TcpProxy;
  /** Opens a bus, directly or through the proxy. */
  open(options?: Partial<RabbitBusOptions> & { readonly isDirect?: boolean; readonly query?: string }): Bus;
}

/** Runs `test` in a virtual host of its own, behind a proxy. */
const onBench = (test: (bench: Bench) => Promise<void>) => async (): Promise<void> => {
  const vhost = await newVhost();
  const direct = new URL(vhost.url);
  const proxy = await openTcpProxy(Number(direct.port || 5672));
  const proxied = new URL(vhost.url);
  proxied.hostname = '127.0.0.1';
  proxied.port = String(proxy.port);
  const buses: Bus[] = [];
  const open: Bench['open'] = ({ isDirect = false, query = '', ...options } = {}) => {
    buses.push(openRabbitBus((isDirect ? direct : proxied).href + query, { topology, ...options }));
    return buses.at(-1) as Bus;
  };
  try {
    await test({ vhost, proxy, open });
  } finally {
    proxy.mend();
    await Promise.all(buses.map((bus) => bus.close(0)));
    await proxy.close();
    await vhost.dispose();
  }
};

/** Publishes as the outbox does: again and again until it is confirmed. */
async function publishSurely(bus: Bus, ...envelopes: ReturnType<typeof envelope>[]): Promise<void> {
  await until('it is confirmed', () =>
    bus.publish(envelopes).then(
      () => true,
      () => false,
    ),
  );
}

const isEmpty = async (bus: Bus): Promise<boolean> =>
  (await bus.depths()).every(({ waiting, underWay, dead }) => waiting + underWay + dead === 0);

/** Puts `content` into `queue` as some other program might. */
async function putRaw({ url }: Vhost, content: string): Promise<void> {
  const model = await connect(url);
  const channel = await model.createConfirmChannel();
  channel.sendToQueue(queue, Buffer.from(content), { persistent: true, messageId: 'raw' });
  await channel.waitForConfirms();
  await model.close();
}

describe('a broker that cannot be reached', () => {
  const ready = async (url: string): Promise<string> => {
    const bus = openRabbitBus(url, { topology, readyMs: 1_500 });
    try {
      return await bus.ready().then(
        () => 'ready',
        (error: Error) => error.message,
      );
    } finally {
      await bus.close(0);
    }
  };

  it(
    'is told in a plain sentence without the password',
    onBench(async ({ vhost, proxy }) => {
      const wrong = new URL(vhost.url);
      wrong.username = 'somebody';
      wrong.password = 'secret-word';
      expect(await ready(wrong.href)).toMatch(/^RabbitMQ at .*user name or password is refused/);
      const missing = new URL(vhost.url);
      missing.pathname = '/nowhere';
      expect(await ready(missing.href)).toMatch(/virtual host nowhere, is not there: there is no such virtual host/);
      proxy.refuse();
      const refused = new URL(vhost.url);
      refused.port = String(proxy.port);
      expect(await ready(refused.href)).toMatch(/is not there/);
      expect(await ready(wrong.href)).not.toContain('secret-word');
    }),
  );

  it('is refused before it is tried when the URL makes no sense', () => {
    const open = (url: string) => () => openRabbitBus(url, { topology });
    expect(open('amqp://u:p%@host:port/x')).toThrow('looks like');
    expect(open('amqp://host/a/b')).toThrow('%2F');
    expect(open('amqp://host/x?hartbeat=3')).toThrow('hartbeat');
    expect(open('amqp://host/x?heartbeat=0')).toThrow('seconds');
  });
});

describe('a connection that is cut', () => {
  it(
    'leaves a handler at work, which ends once and settles the message that comes again',
    onBench(async ({ proxy, open }) => {
      const bus = open();
      const attempts: number[] = [];
      const finish = Promise.withResolvers<void>();
      bus.subscribe({ ...worker, prefetch: 1, handler: async ({ attempt }) => (attempts.push(attempt), finish.promise) });
      await bus.publish(envelope());
      await until('it is under way', () => attempts.length === 1);
      const before = proxy.connections;
      proxy.cut();
      await until('it is connected again', () => proxy.connections >= before + 2);
      await until('it is under way again', async () => (await bus.depths()).some(({ underWay }) => underWay === 1));
      finish.resolve();
      await until('nothing is left', () => isEmpty(bus));
      expect(attempts).toEqual([1]);
    }),
  );

  it(
    'does not bring a message again to the process whose handler has finished meanwhile',
    onBench(async ({ proxy, open }) => {
      const bus = open();
      const watch = open({ isDirect: true });
      const attempts: number[] = [];
      const finish = Promise.withResolvers<void>();
      bus.subscribe({ ...worker, prefetch: 1, handler: async ({ attempt }) => (attempts.push(attempt), finish.promise) });
      await bus.publish(envelope());
      await until('it is under way', () => attempts.length === 1);
      proxy.refuse();
      await until('it is back in the queue', async () => (await watch.depths()).some(({ waiting }) => waiting === 1));
      finish.resolve();
      proxy.mend();
      await until('nothing is left', () => isEmpty(watch));
      expect(attempts).toEqual([1]);
    }),
  );

  it(
    'has a message that another replica gets meanwhile counted as a further attempt, and no more handlers at once than the prefetch',
    onBench(async ({ proxy, open }) => {
      const [lost, other] = [open(), open({ isDirect: true })];
      const [first, second]: Delivery[][] = [[], []];
      const finish = Promise.withResolvers<void>();
      lost.subscribe({ ...worker, prefetch: 2, handler: async (delivery) => (first?.push(delivery), finish.promise) });
      await lost.publish([envelope(1), envelope(2)]);
      await until('both are under way', () => first?.length === 2);
      proxy.refuse();
      other.subscribe({ ...worker, prefetch: 2, handler: async (delivery) => (second?.push(delivery), finish.promise) });
      await until('both are under way elsewhere', () => second?.length === 2);
      expect(second?.map(({ attempt }) => attempt)).toEqual([2, 2]);
      proxy.mend();
      await lost.ready();
      await other.publish([envelope(3), envelope(4)]);
      await until('they wait, for the first replica has its hands full', async () =>
        (await other.depths()).some(({ waiting, underWay }) => waiting === 2 && underWay === 2),
      );
      expect(first).toHaveLength(2);
      finish.resolve();
      await until('nothing is left', () => isEmpty(other));
      expect((first?.length ?? 0) + (second?.length ?? 0)).toBe(6);
    }),
  );

  it(
    'loses nothing that was confirmed, wherever it is cut',
    onBench(async ({ proxy, open }) => {
      const [bus, watch] = [open(), open({ isDirect: true })];
      const done = new Set<string>();
      const failed = new Set<string>();
      const handler = async ({ envelope: { id, data } }: Delivery) => {
        if (data === 'fails first' && !failed.has(id)) {
          failed.add(id);
          throw new Error('not yet');
        }
        done.add(id);
      };
      bus.subscribe({ ...worker, backoffMs: 1, maxAttempts: 100, handler });
      const sent: string[] = [];
      for (let round = 0; round < 12; round += 1) {
        let bytesLeft = 300 * 2 ** (round % 6);
        proxy.cutWhen((bytes, direction) => direction === (round % 2 ? 'up' : 'down') && (bytesLeft -= bytes.length) < 0);
        const messages = Array.from({ length: 20 }, (_, index) => envelope(index % 4 ? 'works' : 'fails first'));
        await publishSurely(bus, ...messages);
        sent.push(...messages.map(({ id }) => id));
      }
      await until('all are done', () => sent.every((id) => done.has(id)));
      await until('nothing is left', () => isEmpty(watch));
      expect(proxy.connections).toBeGreaterThan(4);
    }),
  );

  it(
    'lets listeners hear again what is published after it',
    onBench(async ({ proxy, open }) => {
      const [bus, other] = [open(), open({ isDirect: true })];
      const heard: unknown[] = [];
      bus.listen(['video.seen'], ({ data }) => heard.push(data));
      await Promise.all([bus.ready(), other.ready()]);
      proxy.cut();
      const seen = (data: string) => newEnvelope({ source: 'test', type: 'video.seen', data });
      await until('it is heard', async () => {
        await other.publish(seen('after'));
        return heard.includes('after');
      });
    }),
  );
});

describe('a broker that stops answering', () => {
  it(
    'is given up after its heartbeat, and a publisher is told after its deadline',
    onBench(async ({ proxy, open }) => {
      const logged: string[] = [];
      const bus = open({ publishMs: 500, query: '?heartbeat=1', log: (_, message) => logged.push(message) });
      const got: string[] = [];
      bus.subscribe({ ...worker, handler: async ({ envelope: { id } }) => void got.push(id) });
      await bus.ready();
      proxy.freeze();
      await expect(bus.publish(envelope())).rejects.toThrow(/has not confirmed within 500 ms/);
      await expect(bus.ping()).rejects.toThrow(/^RabbitMQ at/);
      await until('it is given up', () => logged.includes('connection to the broker was lost'));
      proxy.mend();
      const sent = envelope();
      await publishSurely(bus, sent);
      await until('it has come', () => got.includes(sent.id));
      await bus.ping();
    }),
  );

  it(
    'does not keep close from ending',
    onBench(async ({ proxy, open }) => {
      const bus = open();
      bus.subscribe({ ...worker, handler: () => new Promise(() => undefined) });
      await bus.publish(envelope());
      proxy.freeze();
      const start = performance.now();
      await bus.close(100);
      expect(performance.now() - start).toBeLessThan(10_000);
    }),
  );
});

describe('queues', () => {
  it(
    'are declared by many processes at once',
    onBench(async ({ open }) => {
      const buses = Array.from({ length: 10 }, () => open());
      await Promise.all(buses.map((bus) => bus.ready()));
      const got = new Set<string>();
      buses.forEach((bus) => bus.subscribe({ ...worker, handler: async ({ envelope: { id } }) => void got.add(id) }));
      const sent = buses.map(() => envelope());
      await Promise.all(buses.map((bus, index) => bus.publish(sent[index] ?? envelope())));
      await until('all have come', () => sent.every(({ id }) => got.has(id)));
    }),
  );

  it(
    'are declared again when somebody has deleted one, and the publisher of a message for it is told',
    onBench(async ({ vhost, open }) => {
      const bus = open();
      await bus.ready();
      await manage(vhost.url, 'DELETE', `queues${new URL(vhost.url).pathname}/${queue}`);
      await expect(bus.publish(envelope())).rejects.toThrow(/has no queue for job\.do .*; it is declared again/);
      const sent = envelope();
      await publishSurely(bus, sent);
      const got: string[] = [];
      bus.subscribe({ ...worker, handler: async ({ envelope: { id } }) => void got.push(id) });
      await until('it has come', () => got.includes(sent.id));
      await manage(vhost.url, 'DELETE', `queues${new URL(vhost.url).pathname}/${queue}`);
      const next = envelope();
      await until('the subscription has made it anew', () => bus.publish(next).then(() => true, () => false)); // prettier-ignore
      await until('it has come', () => got.includes(next.id));
    }),
  );

  it(
    'of a new receiver get the events of publishers that do not know of it',
    onBench(async ({ open }) => {
      const old = open();
      await old.ready();
      const next = open({ topology: { ...topology, 'video.seen': ['history'] } });
      await next.ready();
      await old.publish(newEnvelope({ source: 'test', type: 'video.seen', data: 1 }));
      const got: unknown[] = [];
      next.subscribe({ service: 'history', type: 'video.seen', handler: async ({ envelope: { data } }) => void got.push(data) });
      await until('it has come', () => got.length === 1);
    }),
  );

  it(
    'that exist with other arguments are named',
    onBench(async ({ vhost, open }) => {
      await manage(vhost.url, 'PUT', `queues${new URL(vhost.url).pathname}/${queue}`, {
        durable: true,
        arguments: { 'x-queue-type': 'classic' },
      });
      await expect(open({ readyMs: 1_000 }).ready()).rejects.toThrow(/inequivalent arg.*worker\.job\.do/);
    }),
  );

  it(
    'are counted over all processes, what is delayed in a row of its own',
    onBench(async ({ vhost, open }) => {
      const bus = open({ isDirect: true });
      const child = await startBusChild(vhost.url, 'hold', { prefetch: 2 });
      await bus.publish([envelope(1), envelope(2), envelope(3)]);
      await until('the child has two', () => child.said('got').length === 2);
      await bus.publish(envelope(), { delayMs: 3_000_000 });
      const depths = await bus.depths();
      expect(depths).toContainEqual({ queue, waiting: 1, underWay: 2, dead: 0 });
      expect(depths).toContainEqual({ queue: 'kinora.delay', waiting: 1, underWay: 0, dead: 0 });
      await child.kill();
      await until('they wait again', async () => (await bus.depths()).some(({ waiting, underWay }) => waiting === 3 && underWay === 0));
    }),
  );
});

describe('a message', () => {
  it(
    'that no handler can read goes to the dead letters as it came, also after a redrive',
    onBench(async ({ vhost, open }) => {
      const bus = open();
      const got: unknown[] = [];
      bus.subscribe({ ...worker, handler: async ({ envelope: { data } }) => void got.push(data) });
      await bus.ready();
      for (const round of [1, 2]) {
        if (round === 1) await putRaw(vhost, '{"half":');
        else expect(await bus.redrive(queue)).toBe(1);
        const [letter] = await until('it is dead', async () => {
          const letters = await bus.deadLetters(queue);
          return letters.length > 0 ? letters : undefined;
        });
        expect(letter).toMatchObject({ envelope: { id: 'raw', data: '{"half":' }, error: expect.stringMatching(/no handler can read it/) });
      }
      await bus.publish(envelope('good'));
      await until('others are handled', () => got.includes('good'));
    }),
  );

  it(
    'too large for a broker is refused and does no harm to others',
    onBench(async ({ open }) => {
      const bus = open();
      await bus.ready();
      const [large, small] = [bus.publish(envelope('x'.repeat(17 * 1024 * 1024))), bus.publish(envelope())];
      await expect(large).rejects.toThrow('16 MiB');
      await small;
    }),
  );

  it(
    'comes doubled and in any order when it was published so',
    onBench(async ({ open }) => {
      const bus = unruly(open(), { maxDelayMs: 2_000 });
      const got: unknown[] = [];
      bus.subscribe({ ...worker, handler: async ({ envelope: { data } }) => void got.push(data) });
      const numbers = Array.from({ length: 30 }, (_, number) => number);
      await bus.publish(numbers.map(envelope));
      await until('all have come twice', () => got.length === 60);
      expect(got.toSorted((one, other) => Number(one) - Number(other))).toEqual(numbers.flatMap((number) => [number, number]));
    }),
  );

  it(
    'with a delay comes in its time, whatever waits longer',
    onBench(async ({ open }) => {
      const bus = open();
      const lateness: number[] = [];
      const handler = async ({ envelope: { data } }: Delivery) => void lateness.push(Date.now() - Number(data));
      bus.subscribe({ ...worker, prefetch: 64, handler });
      await bus.ready();
      const delays = [3_100, 1_700, 100, 2_500, 900, 1, 2_900, 1_234, 50, 700];
      for (const delayMs of [3_600_000, 120_000, 90_000]) await bus.publish(envelope(), { delayMs }); // nobody waits behind these
      await Promise.all(delays.map((delayMs) => bus.publish(envelope(Date.now() + delayMs), { delayMs })));
      await until('all others have come', () => lateness.length === delays.length);
      expect(Math.min(...lateness)).toBeGreaterThanOrEqual(0);
    }),
  );
});

describe('the redrive command', () => {
  it(
    'lists queues and dead letters of RabbitMQ and puts them back',
    onBench(async ({ vhost, open }) => {
      const script = fileURLToPath(new URL('../src/redrive.ts', import.meta.url));
      const run = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args], { env: { BUS_URL: vhost.url } });
      const bus = open({ topology: contracts });
      const got: string[] = [];
      let isMended = false;
      const handler = async ({ envelope: { id } }: Delivery) => {
        if (!isMended) throw new NonRetryableError('no such asset');
        got.push(id);
      };
      bus.subscribe({ service: 'transcoding', type: 'asset.transcode', handler });
      const sent = event('asset.transcode', 'transcoding', { assetId: 'a'.repeat(20), jobId: 'opening' });
      await bus.publish(sent);
      await until('it is dead', async () => (await bus.depths()).some(({ dead }) => dead === 1));
      isMended = true;
      expect((await run()).stdout).toMatch(/transcoding\.asset\.transcode\D+0\D+0\D+1/);
      const listed = (await run('--list', 'transcoding.asset.transcode')).stdout;
      expect(JSON.parse(listed)).toMatchObject({ envelope: sent, error: 'NonRetryableError: no such asset' });
      expect((await run('transcoding.asset.transcode')).stdout).toContain('1 messages go back to transcoding.asset.transcode');
      await until('it comes again', () => got.includes(sent.id));
      await expect(run('transcoding.unknown')).rejects.toThrow('no queue transcoding.unknown');
    }),
  );
});

describe('dead letters', () => {
  it(
    'stay, in their order, however often somebody looks, and go back once whoever redrives',
    onBench(async ({ open }) => {
      const [bus, other] = [open(), open()];
      const done = new Set<string>();
      let isMended = false;
      const handler = async ({ envelope: { id } }: Delivery) => {
        if (!isMended) throw new NonRetryableError('broken');
        done.add(id);
      };
      bus.subscribe({ ...worker, prefetch: 1, handler });
      const sent = Array.from({ length: 150 }, (_, number) => envelope(number));
      for (const each of sent) await bus.publish(each);
      await until('all are dead', async () => (await bus.depths()).some(({ dead }) => dead === 150));
      for (let look = 0; look < 25; look += 1) {
        expect((await other.deadLetters(queue, 5)).map((letter) => letter.envelope.data)).toEqual([0, 1, 2, 3, 4]);
      }
      isMended = true;
      const [one, two] = await Promise.all([bus.redrive(queue), other.redrive(queue)]);
      expect(one + two).toBe(150);
      await until('all are done', () => done.size === 150);
      await until('nothing is left', () => isEmpty(bus));
    }),
  );

  it(
    'are all there, some perhaps twice, when a redrive is interrupted',
    onBench(async ({ proxy, open }) => {
      const direct = open({ isDirect: true });
      const first = direct.subscribe({ ...worker, handler: () => Promise.reject(new NonRetryableError('broken')) });
      const sent = Array.from({ length: 200 }, (_, number) => envelope(number));
      await direct.publish(sent);
      await until('all are dead', async () => (await direct.depths()).some(({ dead }) => dead === 200));
      await first.stop();
      const bus = open();
      await bus.deadLetters(queue, 1);
      let bytesLeft = 60_000;
      proxy.cutWhen((bytes, direction) => direction === 'up' && (bytesLeft -= bytes.length) < 0);
      await bus.redrive(queue).catch(() => undefined);
      const got = new Set<string>();
      direct.subscribe({ ...worker, handler: async ({ envelope: { id } }) => void got.add(id) });
      await until('all have come', async () => {
        await direct.redrive(queue);
        return sent.every(({ id }) => got.has(id));
      });
    }),
  );
});
