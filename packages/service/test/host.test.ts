import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Type } from 'typebox';
import { openBlobs } from '@kinora/blobs';
import { newId, Problem, type ProblemBody } from '@kinora/contracts';
import { DocumentStoreError, openDocuments } from '@kinora/documents';
import { event, openBus } from '@kinora/messaging';
import {
  configReader,
  defineService,
  integer,
  on,
  signedIn,
  startHost,
  type Composition,
  type Host,
  type PortOpeners,
  type ServiceDefinition,
} from '../src/index.ts';
import { createTestIdentities, type TestIdentities } from '../src/testing.ts';

const readConfig = configReader('catalog', { limit: integer('CATALOG_LIMIT', { about: 'Limit', default: 3 }) });
const catalogWith = (compose: Composition): ServiceDefinition => defineService('catalog', readConfig, () => compose);

const body = Type.Object({ title: Type.String({ minLength: 1 }) }, { additionalProperties: false });
const routes: Composition['routes'] = (app) => {
  app.get('/api/videos', { schema: { querystring: Type.Object({ limit: Type.Optional(Type.Integer({ maximum: 9 })) }) } }, (request) => ({
    limit: request.query.limit ?? 0,
  }));
  app.post('/api/videos', { schema: { body } }, (request) => ({ title: request.body.title }));
  app.get('/api/videos/mine', (request) => ({ name: signedIn(request).name }));
  app.get('/api/videos/broken', () => Promise.reject(new Error('secret inner text')));
  app.get('/api/videos/away', () => Promise.reject(new DocumentStoreError('videos: MongoDB does not answer (MongoNetworkError)')));
  app.get('/api/videos/gone', () => Promise.reject(new Problem('not-found', { detail: 'It is gone.', videoId: 'x' })));
};

let dataDir: string;
let identities: TestIdentities;
let hosts: Host[] = [];
const start = async (definitions: readonly ServiceDefinition[], env: Record<string, string> = {}): Promise<Host> => {
  const host = await startHost({ definitions, env: { PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...identities.env, ...env } });
  hosts.push(host);
  return host;
};
const problemOf = async (response: Response): Promise<ProblemBody & Record<string, unknown>> => {
  expect(response.headers.get('content-type')).toBe('application/problem+json; charset=utf-8');
  return (await response.json()) as ProblemBody & Record<string, unknown>;
};

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(os.tmpdir(), 'kinora-host-'));
  identities = await createTestIdentities();
});
afterEach(async () => {
  await Promise.all(hosts.map((host) => host.stop()));
  hosts = [];
  await rm(dataDir, { recursive: true, force: true });
});

describe('the HTTP edge', () => {
  it('answers a problem with its type, title, status, detail, extensions and the request id', async () => {
    const { url } = await start([catalogWith({ routes })]);
    const response = await fetch(`${url}/api/videos/gone`, { headers: { 'x-request-id': 'given-1' } });
    expect(response.status).toBe(404);
    expect(await problemOf(response)).toEqual({
      type: 'https://kinora.video/problems/not-found',
      title: 'There is nothing here',
      status: 404,
      detail: 'It is gone.',
      instance: 'given-1',
      videoId: 'x',
    });
  });

  it('answers 500 without inner text when anything else is thrown', async () => {
    const { url } = await start([catalogWith({ routes })]);
    const response = await fetch(`${url}/api/videos/broken`);
    expect(response.status).toBe(500);
    expect(JSON.stringify(await problemOf(response))).not.toContain('inner');
  });

  it('answers 503 and when to ask again when the database does not answer', async () => {
    const { url } = await start([catalogWith({ routes })]);
    const response = await fetch(`${url}/api/videos/away`);
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '2']);
    expect(await problemOf(response)).toMatchObject({ detail: 'The database does not answer.' });
  });

  it.each([
    [
      'a body that is not JSON',
      { method: 'POST', body: '{"title":', headers: { 'content-type': 'application/json' } },
      400,
      'invalid-json',
    ],
    [
      'a field of the wrong type',
      { method: 'POST', body: '{"title":5}', headers: { 'content-type': 'application/json' } },
      400,
      'invalid-request',
    ],
    [
      'a field that is not known',
      { method: 'POST', body: '{"title":"a","x":1}', headers: { 'content-type': 'application/json' } },
      400,
      'invalid-request',
    ],
    [
      'a content type that is not taken',
      { method: 'POST', body: '<a/>', headers: { 'content-type': 'text/xml' } },
      415,
      'unsupported-media-type',
    ],
    [
      'a body that is too large',
      { method: 'POST', body: `"${'x'.repeat(2_000_000)}"`, headers: { 'content-type': 'application/json' } },
      413,
      'payload-too-large',
    ],
    ['a method that is not there', { method: 'DELETE' }, 404, 'route-not-found'],
  ])('refuses %s', async (_what, init, status, slug) => {
    const { url } = await start([catalogWith({ routes })]);
    const response = await fetch(`${url}/api/videos`, init);
    expect(response.status).toBe(status);
    expect((await problemOf(response)).type).toBe(`https://kinora.video/problems/${slug}`);
  });

  it('says which query parameter is wrong', async () => {
    const { url } = await start([catalogWith({ routes })]);
    expect((await fetch(`${url}/api/videos?limit=9`)).status).toBe(200);
    expect((await problemOf(await fetch(`${url}/api/videos?limit=ten`))).detail).toContain('querystring/limit');
    expect((await problemOf(await fetch(`${url}/api/videos/%E0%A4%A`))).status).toBe(400);
  });

  it('answers malformed HTTP with a problem and goes on', async () => {
    const { url } = await start([catalogWith({ routes })]);
    const socket = connect(Number(new URL(url).port));
    socket.end('NONSENSE\r\n\r\n');
    let answer = '';
    socket.on('data', (bytes: Buffer) => (answer += bytes.toString()));
    await once(socket, 'close');
    expect(answer).toContain('HTTP/1.1 400 Bad Request');
    expect(answer).toContain('problems/invalid-request');
    expect((await fetch(`${url}/health/live`)).status).toBe(200);
  });

  it('knows who asks from a signed token, and refuses forged and foreign ones', async () => {
    const { url } = await start([catalogWith({ routes })]);
    const { headers } = await identities.create('creator', 'Kim');
    const foreign = await (await createTestIdentities()).create();
    const mine = (given: Record<string, string>): Promise<Response> => fetch(`${url}/api/videos/mine`, { headers: given });
    expect(await (await mine(headers)).json()).toEqual({ name: 'Kim' });
    expect((await mine({})).status).toBe(401);
    expect((await problemOf(await mine(foreign.headers))).type).toContain('invalid-token');
    expect((await problemOf(await mine({ authorization: `${headers.authorization.slice(0, -4)}AAAA` }))).type).toContain('invalid-token');
    expect((await problemOf(await mine({ authorization: 'Basic YTpi' }))).type).toContain('invalid-token');
  });
});

describe('startHost', () => {
  it('reports the faults of shared and service settings together and opens nothing', async () => {
    const attempt = start([catalogWith({ routes })], { PORT: 'x', LOG_LEVEL: 'loud', CATALOG_LIMIT: '-1', CATALOG_LIMITS: '1' });
    await expect(attempt).rejects.toMatchObject({
      faults: [
        expect.stringContaining('PORT'),
        expect.stringContaining('LOG_LEVEL'),
        expect.stringContaining('CATALOG_LIMITS'),
        expect.stringContaining('CATALOG_LIMIT'),
      ],
    });
  });

  it('closes what it had opened when a service fails to start, and rejects with that error', async () => {
    const closed: string[] = [];
    const first = catalogWith({ stop: () => void closed.push('catalog') });
    const second = defineService('uploads', configReader('uploads', {}), () => ({
      start: () => Promise.reject(new Error('no disk')),
      stop: () => void closed.push('uploads'),
    }));
    await expect(start([first, second])).rejects.toThrow('no disk');
    expect(closed).toEqual(['uploads', 'catalog']);
  });

  it('opens a port by what it is given, once for all services, and only when one of them names it', async () => {
    const opened: string[] = [];
    const openers: PortOpeners = {
      openBus: (url, options) => (opened.push('bus'), openBus(url, options)),
      openBlobs: (url) => (opened.push('blobs'), openBlobs(url)),
      openDocuments: (url, database) => (opened.push(`documents of ${database}`), openDocuments(url, database)),
    };
    const uses = (name: string): ServiceDefinition =>
      defineService(name, readConfig, ({ bus, documents }) => ({
        start: () => Promise.all([bus.ping(), documents.ping()]).then(() => {}),
      }));
    const env = { PORT: '0', DATA_DIR: dataDir, LOG_LEVEL: 'silent', ...identities.env };
    hosts.push(await startHost({ definitions: [uses('catalog'), uses('uploads')], env, openers }));
    expect(opened.sort()).toEqual(['bus', 'documents of catalog', 'documents of uploads']);
  });

  it('finishes the request under way before it stops, and answers not ready meanwhile', async () => {
    let finish: (() => void) | undefined;
    const slow: Composition['routes'] = (app) => {
      app.get('/api/videos/slow', async () => {
        await new Promise<void>((resolve) => (finish = resolve));
        return { done: true };
      });
    };
    const host = await start([catalogWith({ routes: slow })]);
    const answer = fetch(`${host.url}/api/videos/slow`);
    while (!finish) await new Promise((resolve) => setImmediate(resolve));
    const stopped = host.stop();
    finish();
    expect(await (await answer).json()).toEqual({ done: true });
    const answeredAtMs = performance.now();
    await stopped;
    expect(performance.now() - answeredAtMs).toBeLessThan(9_000); // kept-alive connections, which are cut after ten seconds, do not hold it up
    await expect(fetch(`${host.url}/health/live`)).rejects.toThrow('fetch failed');
  });

  it('lets the answer ahead of the routes come first, and the routes take what it leaves', async () => {
    const handle: Composition['handle'] = ({ url }, response) => url === '/api/videos' && response.end('ahead') !== undefined;
    const { url } = await start([catalogWith({ routes, handle })]);
    expect(await (await fetch(`${url}/api/videos`)).text()).toBe('ahead');
    expect(await (await fetch(`${url}/api/videos?limit=2`)).json()).toEqual({ limit: 2 });
  });

  it('answers by the table of routes when several services run without a gateway', async () => {
    const uploads = defineService('uploads', configReader('uploads', {}), () => ({
      routes: (app) => void app.get('/api/uploads', () => ({ from: 'uploads' })),
    }));
    const { url } = await start([catalogWith({ routes }), uploads]);
    expect(await (await fetch(`${url}/api/uploads`)).json()).toEqual({ from: 'uploads' });
    expect(await (await fetch(`${url}/api/videos`)).json()).toEqual({ limit: 0 });
  });

  it('reaches a peer the same way inside the process and by its address', async () => {
    const asking = defineService('uploads', configReader('uploads', {}), ({ peers }) => ({
      routes: (app) => {
        app.get('/api/uploads', async () => {
          const { status, text } = await peers('catalog').call({ method: 'POST', path: '/api/videos', body: { title: 'x' } });
          return { status, text };
        });
      },
    }));
    const together = await start([catalogWith({ routes }), asking]);
    const catalogAlone = await start([catalogWith({ routes })]);
    const apart = await start([asking], { CATALOG_URL: catalogAlone.url });
    const lonely = await start([asking]);
    const expected = { status: 200, text: '{"title":"x"}' };
    expect(await (await fetch(`${together.url}/api/uploads`)).json()).toEqual(expected);
    expect(await (await fetch(`${apart.url}/api/uploads`)).json()).toEqual(expected);
    expect((await problemOf(await fetch(`${lonely.url}/api/uploads`))).detail).toBe('The catalog service does not answer.');
  });

  it('says what it offers and measures what it did', async () => {
    const { url } = await start([catalogWith({ routes })]);
    await fetch(`${url}/api/videos`);
    expect((await fetch(`${url}/health/ready`)).status).toBe(200);
    const metrics = await (await fetch(`${url}/metrics`)).text();
    expect(metrics).toContain(
      'http_server_request_duration_seconds_count{service="catalog",method="GET",route="/api/videos",status="200"} 1',
    );
    const openapi = (await (await fetch(`${url}/openapi.json`)).json()) as { openapi: string; paths: object };
    expect(openapi.openapi).toBe('3.1.0');
    expect(Object.keys(openapi.paths)).toContain('/api/videos');
  });
});

describe('subscriptions', () => {
  it('tries again for as long as an outage may last, and not only eight times', async () => {
    let attempts = 0;
    const receiver = defineService('catalog', readConfig, ({ bus }) => ({
      subscriptions: [
        on('account.deleted', () => Promise.reject(new Error(`the database is away, ${++attempts} times by now`)), {
          backoffMs: 1,
          maxBackoffMs: 1,
        }),
      ],
      routes: (app) => {
        app.get('/api/videos', async () => ({ dead: await bus.deadLetters('catalog.account.deleted') }));
        app.post('/api/videos', async () => {
          await bus.publish(event('account.deleted', 'accounts', { accountId: newId() }));
          return {};
        });
      },
    }));
    const { url } = await start([receiver]);
    await fetch(`${url}/api/videos`, { method: 'POST' });
    const deadline = Date.now() + 60_000;
    for (let dead: unknown[] = []; dead.length === 0;) {
      if (Date.now() > deadline) throw new Error(`no dead letter after ${attempts} attempts`);
      ({ dead } = (await (await fetch(`${url}/api/videos`)).json()) as { dead: unknown[] });
    }
    expect(attempts).toBe(50);
  });

  it('hands on events that fit their schema and buries those that do not', async () => {
    const seen: string[] = [];
    const receiver = defineService('catalog', readConfig, ({ bus }) => ({
      subscriptions: [
        {
          type: 'account.deleted',
          handler: ({ envelope }) => Promise.resolve(void seen.push((envelope.data as { accountId: string }).accountId)),
          options: {},
        },
      ],
      routes: (app) => {
        app.get('/api/videos', async () => ({ depths: await bus.depths() }));
        app.post('/api/videos', async (request) => {
          const at = new Date().toISOString();
          await bus.publish({ specversion: '1.0', id: newId(), source: 'accounts', type: 'account.deleted', time: at, data: request.body });
          return {};
        });
      },
    }));
    const { url } = await start([receiver]);
    const publish = (data: unknown): Promise<Response> =>
      fetch(`${url}/api/videos`, { method: 'POST', body: JSON.stringify(data), headers: { 'content-type': 'application/json' } });
    const accountId = newId();
    await publish({ accountId });
    await publish({ accountId: '../../x' });
    const deadline = Date.now() + 60_000;
    for (;;) {
      const { depths } = (await (await fetch(`${url}/api/videos`)).json()) as {
        depths: { queue: string; dead: number; waiting: number }[];
      };
      if (depths.find(({ queue }) => queue === 'catalog.account.deleted')?.dead === 1 && seen.length === 1) break;
      if (Date.now() > deadline) throw new Error(JSON.stringify({ depths, seen }));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    expect(seen).toEqual([accountId]);
  });
});
