import { describe } from '@jest/globals';
import { openBus } from '../src/open.ts';
import type { Bus } from '../src/port.ts';
import { crashConformance } from './conformance-crash.ts';
import { deliveryConformance } from './conformance-delivery.ts';
import { failureConformance } from './conformance-failure.ts';
import { topology } from './topology.ts';

/** A new, empty place for a bus that any process of this machine can open. */
export interface Place {
  readonly url: string;
  dispose(): Promise<void>;
}

/** What each group of tests gets: a place for each test, closed and disposed after it. */
export interface Bench {
  readonly url: string;
  /** Opens one more bus on the place, as another process would. */
  open(options?: { leaseMs?: number; now?: () => number }): Bus;
}

/** Runs `test` in a new place. */
export type InPlace = (test: (bench: Bench) => Promise<void>) => () => Promise<void>;

/** Everything that port.ts promises, of any adapter that `openBus` knows. */
export function busConformance(name: string, newPlace: () => Promise<Place>): void {
  const inPlace: InPlace = (test) => async () => {
    const place = await newPlace();
    const buses: Bus[] = [];
    const open: Bench['open'] = (options = {}) => {
      const bus = openBus(place.url, { topology, ...options });
      buses.push(bus);
      return bus;
    };
    try {
      await test({ url: place.url, open });
    } finally {
      await Promise.all(buses.map((bus) => bus.close(0)));
      await place.dispose();
    }
  };
  describe(`Bus: ${name}`, () => {
    describe('delivery', () => deliveryConformance(inPlace));
    describe('failure', () => failureConformance(inPlace));
    describe('crash', () => crashConformance(inPlace));
  });
}
