import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { freePort } from '../service-process.ts';
import { openProxy, type TcpProxy } from './proxy.ts';

/** Answers every piece with itself behind its own name. */
async function startEcho(name: string): Promise<Server> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.on('data', (piece: Buffer) => void socket.write(`${name}:${piece.toString()}`));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
const targetOf = (server: Server): { host: string; port: number } => ({ host: '127.0.0.1', port: (server.address() as AddressInfo).port });

let servers: Server[];
let proxy: TcpProxy;
let clients: Socket[];
const join = async (): Promise<Socket> => {
  const client = connect(proxy.port, '127.0.0.1');
  client.on('error', () => undefined);
  clients.push(client);
  await once(client, 'connect');
  return client;
};
const ask = async (client: Socket, text: string): Promise<string> => {
  client.write(text);
  const [answer] = (await once(client, 'data')) as [Buffer];
  return answer.toString();
};
/** How the connection ended. */
const endOf = (client: Socket): Promise<string> =>
  new Promise((resolve) =>
    client.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? '')).once('close', () => resolve('closed')),
  );

beforeEach(async () => {
  clients = [];
  servers = [await startEcho('one'), await startEcho('two')];
  proxy = await openProxy(servers.map(targetOf));
});
afterEach(async () => {
  for (const client of clients) client.destroy();
  await proxy.close();
  for (const server of servers) server.close();
});

it('spreads connections over its targets in turn, past one that is not there', async () => {
  expect([await ask(await join(), 'a'), await ask(await join(), 'b'), await ask(await join(), 'c')]).toEqual(['one:a', 'two:b', 'one:c']);
  await proxy.close();
  proxy = await openProxy([{ host: '127.0.0.1', port: await freePort() }, ...servers.slice(1).map(targetOf)]);
  expect([await ask(await join(), 'd'), await ask(await join(), 'e')]).toEqual(['two:d', 'two:e']);
});

it('resets the connections that are chosen, and lets new ones come', async () => {
  const [first, second] = [await join(), await join()];
  await ask(first, 'a');
  await ask(second, 'a');
  const ended = endOf(first);
  const choices = [true, false];
  expect(proxy.cut(() => choices.shift() ?? false)).toBe(1);
  expect(await ended).toBe('ECONNRESET');
  expect(await ask(second, 'b')).toBe('two:b');
  expect(await ask(await join(), 'c')).toBe('one:c');
});

it('lets nothing through while it holds, and everything in its order afterwards', async () => {
  const client = await join();
  await ask(client, 'a');
  proxy.setWeather('held');
  let heard = '';
  client.on('data', (piece: Buffer) => (heard += piece.toString()));
  client.write('b');
  const late = await join();
  // Another connection of the same event loop has gone there and back meanwhile.
  const other = connect((servers[0]?.address() as AddressInfo).port, '127.0.0.1');
  clients.push(other);
  await ask(other, 'x');
  await ask(other, 'y');
  expect(heard).toBe('');
  proxy.setWeather('open');
  await once(client, 'data');
  expect(heard).toBe('one:b');
  expect(await ask(late, 'c')).toBe('two:c');
});

it('refuses new connections and keeps those it has', async () => {
  const client = await join();
  await ask(client, 'a');
  proxy.setWeather('refused');
  const late = connect(proxy.port, '127.0.0.1');
  clients.push(late);
  expect(await endOf(late)).toBe('ECONNRESET');
  expect(await ask(client, 'b')).toBe('one:b');
});

it('makes each piece wait when it is slow', async () => {
  const client = await join();
  await ask(client, 'a');
  proxy.setWeather({ latencyMs: () => 60, bytesPerSecond: 1000 });
  const startedAt = performance.now();
  expect(await ask(client, 'b'.repeat(50))).toBe(`one:${'b'.repeat(50)}`);
  // Both ways 60 ms, and 50 bytes at 1000 a second; a timer may come a millisecond early.
  expect(performance.now() - startedAt).toBeGreaterThan(160);
});

it('lets one connection overtake another, and keeps the order within each', async () => {
  const [first, second] = [await join(), await join()];
  await ask(first, 'a');
  await ask(second, 'a');
  const { promise: isTaken, resolve: take } = Promise.withResolvers<void>();
  const latencies = [200];
  proxy.setWeather({
    latencyMs() {
      take();
      return latencies.shift() ?? 0;
    },
    bytesPerSecond: Infinity,
  });
  const heard: string[] = [];
  for (const client of [first, second]) client.on('data', (piece: Buffer) => heard.push(piece.toString()));
  first.write('b');
  await isTaken;
  first.write('c');
  second.write('d');
  await once(second, 'data');
  while (heard.join('').length < 'two:d'.length + 'one:bc'.length) await once(first, 'data');
  expect(heard[0]).toBe('two:d');
  expect(heard.join('').replaceAll('one:', '')).toBe('two:dbc');
});
