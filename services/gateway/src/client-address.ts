import type { IncomingMessage } from 'node:http';

/** Address that a request came from; behind a trusted proxy the last one in X-Forwarded-For, which is the one that proxy saw itself. */
export function clientAddress({ socket, headers }: IncomingMessage, trustProxy: boolean): string {
  const forwarded = trustProxy
    ? String(headers['x-forwarded-for'] ?? '')
        .split(',')
        .at(-1)
        ?.trim()
    : undefined;
  return (forwarded || socket.remoteAddress || '').replace(/^::ffff:/, '');
}

/** What limits count by: an IPv4 address, or the /64 network of an IPv6 one, because whoever has one address there has them all. */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address;
  const [head = '', tail] = address.split('::');
  const groups = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? [] : Array<string>(Math.max(0, 8 - groups.length - last.length)).fill('0');
  return `${[...groups, ...zeros, ...last].slice(0, 4).join(':')}::/64`;
}
