import { Counter, Gauge, type Metrics } from '@kinora/service';
import type { HotSegments } from './hot-segments.ts';

/** Counts immutable files sent, and reports the memory that `segments` take. */
export function sentCounter({ registry }: Metrics, segments: HotSegments): { from(place: 'hot' | 'cold'): void } {
  const registers = [registry];
  const sent = new Counter({
    name: 'streaming_files_sent_total',
    help: 'Immutable files sent, from memory (hot) or the blob store (cold)',
    labelNames: ['from'],
    registers,
  });
  const collect = function (this: Gauge): void {
    this.set(segments.bytes);
  };
  new Gauge({ name: 'streaming_cache_bytes', help: 'Memory taken by hot segments', registers, collect });
  const counters = { hot: sent.labels('hot'), cold: sent.labels('cold') };
  return { from: (place) => counters[place].inc() };
}
