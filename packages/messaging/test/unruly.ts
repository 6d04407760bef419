import type { Bus } from '../src/port.ts';

/**
 * `bus` at its worst, for tests of consumers: everything is published twice, each copy after a wait of its own of up to `maxDelayMs`,
 * so that messages come doubled and in any order. `random` gives 0 ≤ r < 1.
 */
export function unruly(bus: Bus, { maxDelayMs = 100, random = Math.random }: { maxDelayMs?: number; random?: () => number } = {}): Bus {
  return {
    async publish(envelopes, { delayMs = 0 } = {}) {
      const list = [envelopes].flat();
      const copies = [...list, ...list].map((envelope) => bus.publish(envelope, { delayMs: delayMs + Math.floor(random() * maxDelayMs) }));
      await Promise.all(copies);
    },
    subscribe: (options) => bus.subscribe(options),
    listen: (types, handler) => bus.listen(types, handler),
    depths: () => bus.depths(),
    redrive: (queue) => bus.redrive(queue),
    deadLetters: (queue, limit) => bus.deadLetters(queue, limit),
    ready: () => bus.ready(),
    ping: () => bus.ping(),
    close: (graceMs) => bus.close(graceMs),
  };
}
