import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { delayQueues, delayRoute } from './rabbitmq-topology.ts';

/** Milliseconds that a message waits on its way, from the binary words of its key. */
function waitOf({ exchange, key }: { exchange: string; key: string }): number {
  const bits = key.split('.').slice(0, delayQueues.length).toReversed(); // bits[0] is the shortest queue
  const first = delayQueues.indexOf(exchange);
  const waits = delayQueues.map((name) => Number(/(\d+)ms$/.exec(name)?.[1]));
  return waits.reduce((sum, wait, step) => (step <= first && bits[step] === '1' ? sum + wait : sum), 0);
}

describe('delayRoute', () => {
  it('leads through queues that wait for the delay together, rounded up to 100 ms', () => {
    fc.assert(
      fc.property(fc.double({ min: 0, max: 3_600_000, noNaN: true }), (delayMs) => {
        const wait = waitOf(delayRoute('worker.job.do', delayMs));
        expect(wait).toBeGreaterThanOrEqual(delayMs);
        expect(wait).toBeLessThan(Math.max(200, delayMs + 100));
      }),
    );
  });

  it('enters at the longest queue that it needs and ends with the name of the target', () => {
    expect(delayRoute('worker.job.do', 500)).toEqual({
      exchange: 'kinora.delay.400ms',
      key: '0.0.0.0.0.0.0.0.0.0.0.0.0.1.0.1.worker.job.do',
    });
  });
});
