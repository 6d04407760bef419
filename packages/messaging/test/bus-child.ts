/** A process for tests to kill: `bus-child.ts <bus URL> <role> <JSON options>`. It writes one line per fact, at once. */
import { writeSync } from 'node:fs';
import { newEnvelope } from '../src/envelope.ts';
import { openBus } from '../src/open.ts';
import { topology } from './topology.ts';

const [url = '', role = '', json = '{}'] = process.argv.slice(2);
const { leaseMs = 10_000, maxAttempts = 8, prefetch = 8, name = '' } = JSON.parse(json) as Record<string, never>;
const bus = openBus(url, { topology, leaseMs });
const say = (line: string): void => void writeSync(1, `${line}\n`);

const roles: Record<string, () => void | Promise<void>> = {
  /** Publishes without end, three at a time, and says what is confirmed. */
  async publish() {
    for (let count = 0; ; count += 3) {
      const envelopes = [0, 1, 2].map((offset) =>
        newEnvelope({ source: 'test', type: 'job.do', data: { number: `${name}${count + offset}` } }),
      );
      await bus.publish(envelopes);
      for (const envelope of envelopes) say(`confirmed ${envelope.id}`);
    }
  },
  /** Says what it gets and keeps it under way for ever. */
  hold() {
    const handler = async ({ envelope, attempt }: { envelope: { id: string }; attempt: number }) => {
      say(`got ${envelope.id} ${attempt}`);
      await new Promise(() => undefined);
    };
    bus.subscribe({ service: 'worker', type: 'job.do', prefetch, maxAttempts, handler });
  },
  /** Ends without a word on the first delivery. */
  die() {
    bus.subscribe({
      service: 'worker',
      type: 'job.do',
      prefetch,
      maxAttempts,
      handler: async () => process.kill(process.pid, 'SIGKILL') as never,
    });
  },
  /** Handles everything and says so. */
  work() {
    const handler = async ({ envelope }: { envelope: { id: string } }) => {
      await new Promise((resolve) => setImmediate(resolve));
      say(`done ${envelope.id}`);
    };
    bus.subscribe({ service: 'worker', type: 'job.do', prefetch, maxAttempts: 1_000, handler });
  },
  listen() {
    bus.listen(['video.seen', 'job.do'], (envelope) => say(`heard ${envelope.id}`));
  },
};

await bus.ready();
await roles[role]?.();
await bus.ready(); // what is listened to is heard from here on
say('running');
