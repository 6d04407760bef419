import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { QueueDepth } from '@kinora/messaging';

export { Counter, Gauge, Histogram } from 'prom-client';

/** Metrics of one process, with the names that OpenTelemetry's semantic conventions have in Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Histogram<'service' | 'method' | 'route' | 'status'>;
  readonly deliveries: Histogram<'service' | 'type' | 'outcome'>;
  /** Reports how long the oldest event of a service has waited, in seconds; `read` is called whenever metrics are asked for. */
  outboxLag(service: string, read: () => Promise<number>): void;
  /** Reports how full queues are; `read` is called whenever metrics are asked for. */
  queues(read: () => Promise<readonly QueueDepth[]>): void;
  readonly logged: Counter<'service'>;
}

const secondsBuckets = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 60];

/** A gauge that is asked for its values whenever metrics are; what does not answer is left out. */
function askedGauge<L extends string>(
  registers: Registry[],
  name: string,
  help: string,
  labelNames: readonly L[],
  ask: (gauge: Gauge<L>) => readonly Promise<void>[],
): void {
  const collect = async function (this: Gauge<L>): Promise<void> {
    this.reset();
    await Promise.allSettled(ask(this));
  };
  new Gauge({ name, help, labelNames, registers, collect });
}

/** A registry with what every process counts; a service adds its own metrics to `registry`. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  const lags = new Map<string, () => Promise<number>>();
  askedGauge(registers, 'outbox_lag_seconds', 'Age of the oldest event not yet published', ['service'], (gauge) =>
    [...lags].map(async ([service, read]) => gauge.set({ service }, await read())),
  );
  const depths = new Set<() => Promise<readonly QueueDepth[]>>();
  askedGauge(registers, 'messaging_queue_messages', 'Messages by queue and state', ['queue', 'state'], (gauge) =>
    [...depths].map(async (read) => {
      for (const { queue, waiting, underWay, dead } of await read()) {
        gauge.set({ queue, state: 'waiting' }, waiting);
        gauge.set({ queue, state: 'under_way' }, underWay);
        gauge.set({ queue, state: 'dead' }, dead);
      }
    }),
  );
  return {
    registry,
    requests: new Histogram({
      name: 'http_server_request_duration_seconds',
      help: 'Time from the first byte of a request to the end of its response',
      labelNames: ['service', 'method', 'route', 'status'],
      buckets: secondsBuckets,
      registers,
    }),
    deliveries: new Histogram({
      name: 'messaging_process_duration_seconds',
      help: 'Time a handler took for one delivery',
      labelNames: ['service', 'type', 'outcome'],
      buckets: secondsBuckets,
      registers,
    }),
    outboxLag: (service, read) => void lags.set(service, read),
    queues: (read) => void depths.add(read),
    logged: new Counter({
      name: 'errors_logged_total',
      help: 'Unexpected errors answered with 500 or retried',
      labelNames: ['service'],
      registers,
    }),
  };
}
