import { expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newEnvelope } from '../src/envelope.ts';
import { type Delivery, NonRetryableError } from '../src/port.ts';
import type { InPlace } from './conformance.ts';
import { until } from './until.ts';

const envelope = (data: unknown = {}) => newEnvelope({ source: 'test', type: 'job.do', data });
const queue = 'worker.job.do';
const worker = { service: 'worker', type: 'job.do' } as const;

/** Retries, backoff, dead letters, redrive, long handlers. */
export function failureConformance(inPlace: InPlace): void {
  it(
    'delivers again what a handler fails on, the same message with a higher attempt and a growing wait',
    inPlace(async ({ open }) => {
      const bus = open();
      const deliveries: { id: string; attempt: number; at: number }[] = [];
      const handler = async ({ envelope: { id }, attempt }: Delivery) => {
        deliveries.push({ id, attempt, at: performance.now() });
        if (attempt < 4) throw new Error('not yet');
      };
      bus.subscribe({ ...worker, backoffMs: 100, handler });
      const sent = envelope();
      await bus.publish(sent);
      await until('the fourth delivery has come', () => deliveries.length === 4);
      expect(deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
      expect(new Set(deliveries.map(({ id }) => id))).toEqual(new Set([sent.id]));
      const waits = deliveries.slice(1).map(({ at }, index) => at - (deliveries[index]?.at ?? 0));
      [80, 160, 320].forEach((leastMs, index) => expect(waits[index]).toBeGreaterThanOrEqual(leastMs - 3));
    }),
  );

  it(
    'puts a message that keeps failing into the dead letters with its error, and no other',
    inPlace(async ({ open }) => {
      const bus = open();
      let good = 0;
      const handler = async ({ envelope: { data } }: Delivery) => {
        if (data === 'bad') throw new Error('disk on fire', { cause: new Error('spark') });
        good += 1;
      };
      bus.subscribe({ ...worker, maxAttempts: 3, backoffMs: 1, handler });
      const bad = envelope('bad');
      await bus.publish([bad, envelope('good'), envelope('good')]);
      const letters = await until('one is dead', async () => {
        const found = await bus.deadLetters(queue);
        return found.length > 0 && found;
      });
      expect(letters).toEqual([
        { envelope: bad, error: expect.stringMatching(/disk on fire[^]*spark/), diedAt: expect.stringMatching(/^\d{4}-/) },
      ]);
      await until('the others are done', () => good === 2);
      expect(await bus.depths()).toContainEqual({ queue, waiting: 0, underWay: 0, dead: 1 });
    }),
  );

  it(
    'puts a message into the dead letters at once on NonRetryableError, and a redrive delivers it afresh',
    inPlace(async ({ open }) => {
      const bus = open();
      const attempts: number[] = [];
      let isMended = false;
      const handler = async ({ attempt }: Delivery) => {
        attempts.push(attempt);
        if (!isMended) throw new NonRetryableError('cannot ever work');
      };
      bus.subscribe({ ...worker, handler });
      await bus.publish([envelope(1), envelope(2), envelope(3)]);
      await until('all are dead', async () => (await bus.deadLetters(queue)).length === 3);
      expect(attempts).toEqual([1, 1, 1]);
      expect(await bus.deadLetters(queue, 2)).toHaveLength(2);
      isMended = true;
      expect(await open().redrive(queue)).toBe(3);
      await until('all have come again', () => attempts.length === 6);
      expect(attempts).toEqual([1, 1, 1, 1, 1, 1]);
      await until('none is left', async () => (await bus.depths()).every((depth) => depth.waiting + depth.underWay + depth.dead === 0));
      expect(await bus.redrive(queue)).toBe(0);
      await expect(bus.redrive('worker.unknown')).rejects.toThrow('worker.unknown');
    }),
  );

  it(
    'leaves a message with a handler that takes longer than any lease',
    inPlace(async ({ open }) => {
      const [first, second] = [open({ leaseMs: 1_000 }), open({ leaseMs: 1_000 })];
      const attempts: number[] = [];
      const end = performance.now() + 3_000;
      const handler = async ({ attempt, signal }: Delivery) => {
        attempts.push(attempt);
        await until('three leases have passed', () => performance.now() > end);
        expect(signal.aborted).toBe(false);
      };
      for (const bus of [first, second]) bus.subscribe({ ...worker, handler });
      await first.publish([envelope(1), envelope(2)]);
      await until('both are done', async () => attempts.length >= 2 && (await second.depths()).every(({ underWay }) => underWay === 0));
      expect(attempts).toEqual([1, 1]);
    }),
  );

  it(
    'handles every message whatever fails, is published twice, or comes while others fail',
    inPlace(async ({ open }) => {
      const [first, second] = [open(), open()];
      const failuresLeft = new Map<string, number>();
      const attempts = new Map<string, number[]>();
      const done = new Map<string, number>();
      const handler = async ({ envelope: { id }, attempt }: Delivery) => {
        attempts.set(id, [...(attempts.get(id) ?? []), attempt]);
        await new Promise((resolve) => setImmediate(resolve));
        const left = failuresLeft.get(id) ?? 0;
        failuresLeft.set(id, left - 1);
        if (left > 0) throw new Error(`${left} failures left`);
        done.set(id, (done.get(id) ?? 0) + 1);
      };
      for (const bus of [first, second]) bus.subscribe({ ...worker, prefetch: 4, backoffMs: 1, handler });
      const plan = fc.array(fc.record({ failures: fc.integer({ min: 0, max: 4 }), copies: fc.integer({ min: 1, max: 2 }) }), {
        maxLength: 30,
      });
      const check = async (messages: { failures: number; copies: number }[]) => {
        const sent = messages.map((message) => ({ ...message, envelope: envelope() }));
        for (const { envelope: each, failures } of sent) failuresLeft.set(each.id, failures);
        const publish = ({ envelope: each, copies }: (typeof sent)[number], index: number) =>
          Array.from({ length: copies }, () => (index % 2 ? second : first).publish(each));
        await Promise.all(sent.flatMap(publish));
        await until('all are done', () => sent.every(({ envelope: each, copies }) => done.get(each.id) === copies));
        for (const { envelope: each, copies, failures } of sent) {
          const seen = attempts.get(each.id) ?? [];
          expect(seen).toHaveLength(copies + failures);
          if (copies === 1) expect(seen).toEqual(seen.map((_, index) => index + 1));
        }
      };
      await fc.assert(fc.asyncProperty(plan, check), { numRuns: 8 });
    }),
  );
}
