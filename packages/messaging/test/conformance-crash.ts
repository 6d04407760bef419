import { expect, it } from '@jest/globals';
import { newEnvelope } from '../src/envelope.ts';
import type { Delivery } from '../src/port.ts';
import { type Child, startBusChild } from './child.ts';
import type { InPlace } from './conformance.ts';
import { until } from './until.ts';

const envelope = (data: unknown = {}) => newEnvelope({ source: 'test', type: 'job.do', data });
const queue = 'worker.job.do';
const worker = { service: 'worker', type: 'job.do' } as const;

/** Small numbers that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Processes that end without a word. */
export function crashConformance(inPlace: InPlace): void {
  it(
    'loses nothing that was confirmed to a publisher that is killed',
    inPlace(async ({ url, open }) => {
      const confirmed: string[] = [];
      for (const least of [1, 60, 200]) {
        const child = await startBusChild(url, 'publish', { name: `${least}-` });
        await until('enough is confirmed', () => child.said('confirmed').length >= least);
        await child.kill();
        confirmed.push(...child.said('confirmed'));
      }
      const got = new Set<string>();
      open().subscribe({ ...worker, prefetch: 64, handler: async ({ envelope: { id } }) => void got.add(id) });
      await until('all confirmed have come', () => confirmed.every((id) => got.has(id)));
    }),
  );

  it(
    'delivers again what a killed consumer had under way, as a further attempt',
    inPlace(async ({ url, open }) => {
      const bus = open();
      const sent = [envelope(1), envelope(2), envelope(3)];
      const child = await startBusChild(url, 'hold', { prefetch: 2 });
      await bus.publish(sent);
      await until('the child has two', () => child.said('got').length === 2);
      const attempts = new Map<string, number>();
      await child.kill();
      bus.subscribe({ ...worker, handler: async ({ envelope: { id }, attempt }: Delivery) => void attempts.set(id, attempt) });
      await until('all have come', () => attempts.size === 3);
      for (const { id } of sent) expect(attempts.get(id)).toBe(child.said('got').includes(id) ? 2 : 1);
    }),
  );

  it(
    'puts a message that kills its consumers into the dead letters',
    inPlace(async ({ url, open }) => {
      const bus = open();
      const sent = envelope();
      await bus.publish(sent);
      for (let death = 1; death <= 2; death += 1) await (await startBusChild(url, 'die', { maxAttempts: 2 })).ended;
      const survivor = await startBusChild(url, 'hold', { maxAttempts: 2 });
      try {
        await until('it is dead', async () => (await bus.deadLetters(queue)).length === 1);
        expect(survivor.said('got')).toEqual([]);
        expect(await bus.deadLetters(queue)).toEqual([
          expect.objectContaining({ envelope: sent, error: expect.stringContaining('2 deliveries') }),
        ]);
      } finally {
        await survivor.kill();
      }
    }),
  );

  it(
    'handles everything confirmed while publishers and consumers are killed at random',
    inPlace(async ({ url, open }) => {
      const random = seeded(20261123);
      const [confirmed, done] = [new Set<string>(), new Set<string>()];
      const note = (child: Child) => {
        for (const id of child.said('confirmed')) confirmed.add(id);
        for (const id of child.said('done')) done.add(id);
      };
      for (let round = 0; round < 3; round += 1) {
        const children = await Promise.all([startBusChild(url, 'work'), startBusChild(url, 'publish', { name: `${round}-` })]);
        const enough = 10 + Math.floor(random() * 60);
        await until('some are confirmed', () => (children[1]?.said('confirmed').length ?? 0) >= enough);
        await Promise.all(children.map((child) => child.kill()));
        children.forEach(note);
      }
      const bus = open();
      bus.subscribe({ ...worker, prefetch: 64, maxAttempts: 100, handler: async ({ envelope: { id } }) => void done.add(id) });
      await until('all confirmed are done', () => [...confirmed].every((id) => done.has(id)));
      expect(confirmed.size).toBeGreaterThanOrEqual(30);
      await until('nothing is left', async () => (await bus.depths()).every((depth) => depth.waiting + depth.underWay + depth.dead === 0));
    }),
  );
}
