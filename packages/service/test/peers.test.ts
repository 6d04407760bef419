import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { Problem } from '@kinora/contracts';
import { openPeers } from '../src/peers.ts';

type Answer = (request: IncomingMessage, response: ServerResponse, count: number) => void;

const opened: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close();
});

async function listening(server: Server): Promise<string> {
  await new Promise<void>((resolve) => server.listen(0, resolve));
  opened.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return `http://localhost:${(server.address() as AddressInfo).port}`;
}

/** A catalog elsewhere that answers as `answer` says, told how many requests it has seen; and the peers of a process that knows it. */
async function elsewhere(answer: Answer) {
  let count = 0;
  const url = await listening(createServer((request, response) => answer(request, response, ++count)));
  const none = { gateway: undefined, accounts: undefined, uploads: undefined, transcoding: undefined, streaming: undefined };
  const { peers, close } = openPeers(new Map(), { ...none, catalog: url });
  opened.push(close);
  return { peer: peers('catalog'), url, seen: () => count };
}

/** A front that forwards everything to `peer`, as the gateway does; failures become their status. */
async function frontOf(peer: Awaited<ReturnType<typeof elsewhere>>['peer']): Promise<string> {
  const front = createServer((request, response) => {
    peer.forward(request, response).catch((error: unknown) => {
      response.writeHead(error instanceof Problem ? error.status : 500).end();
    });
  });
  return listening(front);
}

const cutFirst: Answer = (request, response, count) => {
  if (count === 1) request.socket.resetAndDestroy();
  else response.end('answer');
};

describe('a peer in another process', () => {
  it('is asked a second time when the connection of a reading request is cut before an answer begins', async () => {
    const { peer, seen } = await elsewhere(cutFirst);
    expect((await peer.call({ method: 'GET', path: '/api/videos' })).text).toBe('answer');
    expect(seen()).toBe(2);
  });

  it('is forwarded a reading request a second time too', async () => {
    const { peer, seen } = await elsewhere(cutFirst);
    expect(await (await fetch(`${await frontOf(peer)}/api/videos`)).text()).toBe('answer');
    expect(seen()).toBe(2);
  });

  it('is not asked again when the request may have changed something', async () => {
    const { peer, seen } = await elsewhere(cutFirst);
    await expect(peer.call({ method: 'POST', path: '/api/videos', body: {} })).rejects.toMatchObject({ slug: 'service-unavailable' });
    expect((await fetch(`${await frontOf(peer)}/api/videos`, { method: 'POST', body: '{}' })).status).toBe(200);
    expect(seen()).toBe(2);
  });

  it('is not asked again for ever: a second cut is told', async () => {
    const { peer, seen } = await elsewhere((request) => void request.socket.resetAndDestroy());
    await expect(peer.call({ method: 'GET', path: '/api/videos' })).rejects.toMatchObject({ slug: 'service-unavailable' });
    expect(seen()).toBe(2);
  });

  it('cuts an answer off that breaks in the middle, so that nobody takes it for whole', async () => {
    const { peer } = await elsewhere((request, response) => {
      response.writeHead(200, { 'content-length': '10' });
      response.write('half');
      setImmediate(() => request.socket.resetAndDestroy());
    });
    await expect(fetch(`${await frontOf(peer)}/api/videos`).then((answer) => answer.text())).rejects.toThrow();
  });
});
