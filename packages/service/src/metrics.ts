import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';

export { Counter, Gauge, Histogram } from 'prom-client';

/** Metrics of one process, with the names that OpenTelemetry's semantic conventions have in Prometheus. */
export interface Metrics {
  readonly registry: Registry;
  readonly requests: Histogram<'service' | 'method' | 'route' | 'status'>;
  readonly deliveries: Histogram<'service' | 'type' | 'outcome'>;
  readonly outboxLag: Gauge<'service'>;
  readonly queueDepth: Gauge<'queue' | 'state'>;
  readonly logged: Counter<'service'>;
}

const secondsBuckets = [0.001, 0.005, 0.025, 0.1, 0.25, 1, 2.5, 10, 60];

/** A registry with what every process counts; a service adds its own metrics to `registry`. */
export function openMetrics(): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
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
    outboxLag: new Gauge({
      name: 'outbox_lag_seconds',
      help: 'Age of the oldest event not yet published',
      labelNames: ['service'],
      registers,
    }),
    queueDepth: new Gauge({
      name: 'messaging_queue_messages',
      help: 'Messages by queue and state',
      labelNames: ['queue', 'state'],
      registers,
    }),
    logged: new Counter({
      name: 'errors_logged_total',
      help: 'Unexpected errors answered with 500 or retried',
      labelNames: ['service'],
      registers,
    }),
  };
}
