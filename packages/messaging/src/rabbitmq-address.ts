import type { Options } from 'amqplib';

/** Where a broker is and who asks. */
export interface RabbitAddress {
  readonly options: Options.Connect;
  /** For people: host, port and virtual host, never a password. */
  readonly name: string;
}

const form = 'an amqp: bus URL looks like amqp://user:password@host:5672/vhost, with other characters %-encoded';

/** Seconds of silence after which a side doubts the other; it gives up after two to three of them. */
const heartbeatSeconds = 15;

/**
 * Reads `amqp://user:password@host:port/vhost?heartbeat=seconds` (`amqps:` for TLS). Everything but the host may be left out: guest, guest, 5672 (5671), `/`.
 * The virtual host `/` is written `%2F`, or left out. @throws an Error that does not repeat the URL.
 */
export function readAddress(url: string): RabbitAddress {
  if (!URL.canParse(url)) throw new Error(form);
  const { protocol, hostname, port, username, password, pathname, searchParams } = new URL(url);
  if (hostname === '') throw new Error('an amqp: bus URL names a host, e.g. amqp://user:password@rabbitmq:5672/kinora');
  if (pathname.indexOf('/', 1) > 0) throw new Error('the virtual host of an amqp: bus URL is one path segment; write / in it as %2F');
  for (const name of searchParams.keys())
    if (name !== 'heartbeat') throw new Error(`an amqp: bus URL takes ?heartbeat=seconds, not ?${name}`);
  const heartbeat = Number(searchParams.get('heartbeat') ?? heartbeatSeconds);
  if (!Number.isSafeInteger(heartbeat) || heartbeat < 1 || heartbeat > 3_600)
    throw new Error('heartbeat in the bus URL is 1 to 3600 seconds');
  const scheme = protocol.slice(0, -1);
  const host = hostname.replace(/^\[(.*)\]$/, '$1');
  const numericPort = port === '' ? (scheme === 'amqps' ? 5671 : 5672) : Number(port);
  const vhost = pathname.slice(1) === '' ? '%2F' : pathname.slice(1);
  const isAnonymous = username === '' && password === '';
  return {
    // amqplib decodes the virtual host itself; its own reading of URLs would take a percent-encoded password for Latin-1.
    options: {
      protocol: scheme,
      hostname: host,
      port: numericPort,
      username: isAnonymous ? 'guest' : decode(username),
      password: isAnonymous ? 'guest' : decode(password),
      vhost,
      heartbeat,
    },
    name: `RabbitMQ at ${hostname}:${numericPort}, virtual host ${decode(vhost)}`,
  };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new Error(form); // the cause would show the text
  }
}

const sentences: readonly (readonly [RegExp, string])[] = [
  [/ACCESS_REFUSED - Login/, 'the user name or password is refused (guest may come from the broker’s own machine only)'],
  [/Expected ConnectionOpenOk; got <ConnectionClose/, 'there is no such virtual host, or this user may not use it'],
  [/Socket closed abruptly during opening handshake/, 'it ended the connection before greeting; is this the AMQP port?'],
  [/wrong version number/, 'it does not speak TLS; is this the amqps port?'],
  [/The operation was aborted|ETIMEDOUT/, 'it does not answer'],
];

/** What is wrong with a broker in plain words, from what amqplib or the system threw. */
export function explain(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const known = sentences.find(([pattern]) => pattern.test(text));
  if (known) return known[1];
  const said = /with message "(.*)"$/s.exec(text)?.[1];
  return said ?? (error instanceof AggregateError ? error.errors.map(explain).join(', ') : text);
}
