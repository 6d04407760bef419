import type { Log } from './log.ts';
import type { Bus, Topology } from './port.ts';
import { openRabbitBus } from './rabbitmq.ts';
import { openSqliteBus } from './sqlite.ts';

export interface BusOptions {
  /** Its queues exist from `ready` on. */
  readonly topology: Topology;
  readonly log?: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How long a process that gives no sign of life keeps its messages, where the adapter has leases. Default 10 000. */
  readonly leaseMs?: number;
}

/**
 * Opens the bus at `url`: `sqlite:<file>`, with the path as the file system has it, or `amqp://user:password@host:port/vhost` (`amqps:` for TLS).
 * @throws on a scheme that no adapter has, and on a URL that its adapter cannot read.
 */
export function openBus(url: string, options: BusOptions): Bus {
  const [, scheme, rest = ''] = /^([a-z][a-z0-9+.-]*):(.*)$/s.exec(url) ?? [];
  if (scheme === undefined) throw new Error('a bus URL starts with its scheme, e.g. sqlite:./data/bus.sqlite');
  if (scheme === 'amqp' || scheme === 'amqps') return openRabbitBus(url, options);
  if (scheme !== 'sqlite') throw new Error(`no bus for the scheme ${scheme}: (known: sqlite:, amqp:, amqps:)`);
  const file = rest.replace(/^\/\/(?=\/)/, '');
  if (file === '') throw new Error('a sqlite: bus URL names a file, e.g. sqlite:./data/bus.sqlite');
  return openSqliteBus(file, options);
}
