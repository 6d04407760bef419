import { Compile } from 'typebox/compile';
import { events, Problem } from '@kinora/contracts';
import { NonRetryableError, type Delivery, type Subscription } from '@kinora/messaging';
import type { Ports, Subscribed } from './define.ts';

/** Deliveries before a message is given up: three quarters of an hour with the usual waits, for a database may be away that long. */
const maxAttempts = 50;

/** Subscribes a service's table: data checked against the schema, one log line and one measurement per delivery. */
export function subscribe(
  service: string,
  table: readonly Subscribed[],
  { bus, log, metrics }: Pick<Ports<unknown>, 'bus' | 'log' | 'metrics'>,
): Subscription[] {
  return table.map(({ type, handler, options }) => {
    const schema = Compile(events[type].schema);
    const handle = async (delivery: Delivery): Promise<void> => {
      const { envelope, attempt } = delivery;
      const startedAt = performance.now();
      const facts = { type, eventId: envelope.id, subject: envelope.subject, requestId: envelope.requestid, attempt };
      const finish = (outcome: 'done' | 'failed'): number => {
        const durationMs = performance.now() - startedAt;
        metrics.deliveries.observe({ service, type, outcome }, durationMs / 1000);
        return Math.round(durationMs * 10) / 10;
      };
      try {
        if (!schema.Check(envelope.data)) throw new NonRetryableError(`data of ${type} does not fit its schema`);
        await handler(delivery);
        log.info({ ...facts, durationMs: finish('done') }, 'delivery finished');
      } catch (err) {
        metrics.logged.inc({ service });
        log.warn({ ...facts, durationMs: finish('failed'), err }, 'delivery failed');
        throw err instanceof Problem && err.status < 500 ? new NonRetryableError(err.message, { cause: err }) : err;
      }
    };
    return bus.subscribe({ maxAttempts, ...options, service, type, handler: handle });
  });
}
