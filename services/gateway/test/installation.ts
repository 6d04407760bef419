/** The gateway in front of accounts and of a service that tells what it was handed, in one process or apart. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { accounts } from '@kinora/accounts';
import { internalRoutes, topology } from '@kinora/contracts';
import { openBus, type Bus } from '@kinora/messaging';
import { configReader, defineService, openLog, startHost, type Host, type ServiceDefinition } from '@kinora/service';
import { gateway } from '../src/service.ts';

/** What the service behind the gateway saw of a request. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly identity: { readonly accountId: string; readonly role: string; readonly name: string } | null;
  readonly bytes: number;
}

const telling = (name: 'catalog' | 'streaming', prefix: string): ServiceDefinition =>
  defineService(name, configReader(name, {}), () => ({
    routes(app) {
      app.addContentTypeParser('*', (_request, payload, done) => done(null, payload));
      for (const url of [prefix, `${prefix}/*`])
        app.all(url, async (request): Promise<Seen> => {
          let bytes = 0;
          if (request.body && typeof request.body === 'object' && Symbol.asyncIterator in request.body)
            for await (const chunk of request.body as AsyncIterable<Buffer>) bytes += chunk.length;
          return {
            method: request.method,
            url: request.url,
            headers: request.headers as Seen['headers'],
            identity: request.identity ?? null,
            bytes,
          };
        });
      app.get('/internal/accounts/identity', () => 'a door that must stay shut');
    },
  }));

export interface Installation {
  readonly url: string;
  readonly bus: Bus;
  fetch(path: string, init?: RequestInit): Promise<Response>;
  seen(path: string, init?: RequestInit): Promise<Seen>;
  signUp(email: string): Promise<{ cookie: string; token: string; accountId: string }>;
  /** Stops accounts; only for an installation that is apart. */
  stopAccounts(): Promise<void>;
  stop(): Promise<void>;
}

export interface Options {
  readonly apart?: boolean;
  readonly env?: Record<string, string>;
  readonly now?: () => Date;
  /** Services that are left out. */
  readonly without?: readonly string[];
}

async function startAll(
  dataDir: string,
  { apart = false, env = {}, now, without = [] }: Options,
): Promise<{ front: Host; behind: Map<string, Host> }> {
  const services: readonly ServiceDefinition[] = [accounts, telling('catalog', '/api/videos'), telling('streaming', '/media')];
  const definitions = services.filter(({ name }) => !without.includes(name));
  const shared = { log: openLog('silent'), ...(now ? { now } : {}) };
  const all = { PORT: '0', DATA_DIR: dataDir, ...env };
  if (!apart) return { front: await startHost({ definitions: [...definitions, gateway], env: all, ...shared }), behind: new Map() };
  const behind = new Map<string, Host>();
  const urls: Record<string, string> = {};
  for (const definition of definitions) {
    const host = await startHost({ definitions: [definition], env: { ...all, ...urls }, ...shared });
    behind.set(definition.name, host);
    urls[`${definition.name.toUpperCase()}_URL`] = host.url;
  }
  return { front: await startHost({ definitions: [gateway], env: { ...all, ...urls }, ...shared }), behind };
}

/** Starts one. */
export async function install(options: Options = {}): Promise<Installation> {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-gateway-'));
  const { front, behind } = await startAll(dataDir, options);
  const bus = openBus(`sqlite:${path.join(dataDir, 'bus.sqlite')}`, { topology });
  await bus.ready();
  const request = (url: string, init?: RequestInit): Promise<Response> => fetch(front.url + url, init);
  return {
    url: front.url,
    bus,
    fetch: request,
    seen: async (url, init) => (await (await request(url, init)).json()) as Seen,
    async signUp(email) {
      const response = await request('/api/auth/sign-up/email', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ email, password: 'correct horse', name: 'Ann' }),
      });
      const { token, user } = (await response.json()) as { token: string; user: { id: string } };
      const cookie = response.headers
        .getSetCookie()
        .map((line) => line.split(';')[0])
        .join('; ');
      return { cookie, token, accountId: user.id };
    },
    stopAccounts: async () => behind.get('accounts')?.stop(),
    async stop() {
      await bus.close();
      await front.stop();
      for (const host of behind.values()) await host.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

export { internalRoutes };
