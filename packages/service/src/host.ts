/** Runs services in one process, any number of them, behind one listener. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import type { JSONWebKeySet } from 'jose';
import { openBlobs } from '@kinora/blobs';
import { internalRoutes, Problem, serviceFor, topology } from '@kinora/contracts';
import { openDocuments } from '@kinora/documents';
import { openBus } from '@kinora/messaging';
import { ConfigError, configReader } from './config.ts';
import type { Composition, Ports, ServiceDefinition } from './define.ts';
import { health, type Check } from './health.ts';
import { createApp, type App } from './http.ts';
import { identityVerifier } from './identity.ts';
import { openLog, type Log } from './log.ts';
import { openMetrics } from './metrics.ts';
import { answerLocally, openPeers, type Local } from './peers.ts';
import { peerUrls, sharedSettings, type SharedConfig } from './shared-settings.ts';
import { subscribe } from './subscriptions.ts';

/** What opens the ports by their URLs. */
export interface PortOpeners {
  readonly openBus: typeof openBus;
  readonly openBlobs: typeof openBlobs;
  readonly openDocuments: typeof openDocuments;
}

export interface HostOptions {
  readonly definitions: readonly ServiceDefinition[];
  readonly env: NodeJS.ProcessEnv;
  /** Default: JSON lines on standard output. */
  readonly log?: Log;
  readonly now?: () => Date;
  /** Default: every adapter there is. */
  readonly openers?: PortOpeners;
}

const allOpeners: PortOpeners = { openBus, openBlobs, openDocuments };

export interface Host {
  /** Where it listens, e.g. `http://localhost:3000`. */
  readonly url: string;
  readonly shared: SharedConfig;
  readonly log: Log;
  /** Names of the services that run here. */
  readonly services: readonly string[];
  /** The instance of a service that runs here. */
  app(service: string): App;
  /** Not ready → no new requests or deliveries → finish → close. Idempotent. */
  stop(): Promise<void>;
}

interface Configured {
  readonly name: string;
  readonly compose: ReturnType<ServiceDefinition['configure']>;
}

/** Reads shared and service settings. @throws {ConfigError} with the faults of all */
export function configure(
  definitions: readonly ServiceDefinition[],
  env: NodeJS.ProcessEnv,
): { shared: SharedConfig; services: readonly Configured[] } {
  const faults: string[] = [];
  const attempt = <T>(read: () => T): T | undefined => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      faults.push(...error.faults);
      return undefined;
    }
  };
  const shared = attempt(() => configReader('shared', sharedSettings)(env));
  const services = definitions.flatMap(({ name, configure: read }) => {
    const compose = attempt(() => read(env));
    return compose ? [{ name, compose }] : [];
  });
  if (!shared || faults.length > 0) throw new ConfigError([...new Set(faults)]);
  return { shared, services };
}

/** Undoes a start in reverse order; every step runs even when one before it failed. */
class CleanUps {
  readonly #steps: { name: string; run: () => unknown }[] = [];
  add(name: string, run: () => unknown): void {
    this.#steps.push({ name, run });
  }
  async run(log: Log): Promise<void> {
    for (const { name, run } of this.#steps.splice(0).reverse()) {
      try {
        await run();
      } catch (err) {
        log.error({ err, step: name }, 'stopping failed');
      }
    }
  }
}

interface Opened {
  readonly ports: Omit<Ports<unknown>, 'config'>;
  readonly checks: Check[];
}

const once = <T>(open: () => T): (() => T) => {
  let opened: T | undefined;
  return () => (opened ??= open());
};

/** Opens ports by URL as they are named; bus and blobs are shared within the process, documents are a service's own. */
function portOpener(
  { openBus: bus, openBlobs: blobs, openDocuments: documents }: PortOpeners,
  { shared, log, metrics, now }: Pick<Ports<unknown>, 'shared' | 'log' | 'metrics' | 'now'>,
  cleanUps: CleanUps,
): (service: string, peers: Ports<unknown>['peers']) => Opened {
  const sharedBus = once(() => {
    const opened = bus(shared.busUrl ?? `sqlite:${path.join(shared.dataDir, 'bus.sqlite')}`, {
      topology,
      log: (level, message, fields) => log[level](fields ?? {}, message),
    });
    metrics.queues(() => opened.depths());
    cleanUps.add('bus', () => opened.close());
    return opened;
  });
  const sharedBlobs = once(() => {
    const opened = blobs(shared.blobsUrl ?? `file:${path.join(shared.dataDir, 'blobs')}`);
    cleanUps.add('blobs', () => opened.close());
    return opened;
  });
  return (service, peers) => {
    const checks: Check[] = [];
    const checked = <P extends Pick<Check, 'ready' | 'ping'>>(name: string, open: () => P): (() => P) =>
      once(() => {
        const port = open();
        checks.push({ name, ready: () => port.ready(), ping: () => port.ping() });
        return port;
      });
    const own = {
      bus: checked('bus', sharedBus),
      blobs: checked('blobs', sharedBlobs),
      documents: checked('documents', () => {
        const opened = documents(shared.documentsUrl ?? `sqlite:${path.join(shared.dataDir, 'documents')}`, service);
        cleanUps.add(`documents of ${service}`, () => opened.close());
        return opened;
      }),
    };
    const ports: Opened['ports'] = {
      ...{ shared, log: log.child({ service }), metrics, peers, now },
      get bus() {
        return own.bus();
      },
      get blobs() {
        return own.blobs();
      },
      get documents() {
        return own.documents();
      },
    };
    return { ports, checks };
  };
}

/** Answers with the service that the path belongs to: the gateway for all where it runs, else by the table of routes. */
function dispatcher(locals: ReadonlyMap<string, Local>): (request: IncomingMessage, response: ServerResponse) => void {
  const first = [...locals.values()][0];
  if (!first) throw new Error('no service runs here');
  const forAll = locals.get('gateway') ?? (locals.size === 1 ? first : undefined);
  if (forAll) return (request, response) => answerLocally(forAll, request, response);
  return (request, response) => {
    const pathname = (request.url ?? '/').split('?')[0] ?? '/';
    const name = serviceFor(pathname) ?? /^\/internal\/([a-z]+)\//.exec(pathname)?.[1] ?? '';
    answerLocally(locals.get(name) ?? first, request, response);
  };
}

async function listen(server: Server, { port, host }: SharedConfig): Promise<string> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, ...(host === undefined ? {} : { host }) }, resolve);
  });
  const address = server.address() as AddressInfo;
  return `http://localhost:${address.port}`;
}

async function close(server: Server): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  // A connection that answers now is idle, and kept alive, a moment later.
  const idle = setInterval(() => server.closeIdleConnections(), 50);
  const grace = setTimeout(() => server.closeAllConnections(), 10_000);
  await closed;
  clearInterval(idle);
  clearTimeout(grace);
}

/** Starts `definitions`: ready only when every port of every service is. After a failure everything opened so far is closed again. @throws {ConfigError} */
export async function startHost(options: HostOptions): Promise<Host> {
  const { definitions, env, log: givenLog, now = () => new Date(), openers = allOpeners } = options;
  const { shared, services } = configure(definitions, env);
  const log = givenLog ?? openLog(shared.logLevel);
  const metrics = openMetrics();
  const cleanUps = new CleanUps();
  const locals = new Map<string, Local>();
  try {
    const { peers, close: closePeers } = openPeers(locals, peerUrls(shared));
    cleanUps.add('peers', closePeers);
    const openPorts = portOpener(openers, { shared, log, metrics, now }, cleanUps);
    const fetchKeys = async (): Promise<JSONWebKeySet> => {
      if (shared.identityKeys) return JSON.parse(shared.identityKeys) as JSONWebKeySet;
      const answer = await peers('accounts').call({ method: 'GET', path: internalRoutes.keys });
      if (answer.status !== 200) throw new Problem('service-unavailable', { service: 'accounts' });
      return JSON.parse(answer.text) as JSONWebKeySet;
    };
    const verifyIdentity = identityVerifier(fetchKeys, () => now().getTime());
    const appOf = (service: string): App => {
      const local = locals.get(service);
      if (!local) throw new Error(`${service} does not run here`);
      return local.app;
    };
    const state = { ready: false };
    const composed: { name: string; composition: Composition; opened: Opened }[] = [];
    for (const { name, compose } of services) {
      const app = await createApp({
        service: name,
        log: log.child({ service: name }),
        metrics,
        trustProxy: shared.trustProxy,
        verifyIdentity: name === 'gateway' ? undefined : verifyIdentity,
        describe: name !== 'gateway',
      });
      const local: Local = { app, handle: undefined };
      locals.set(name, local);
      cleanUps.add(`routes of ${name}`, () => app.close());
      const opened = openPorts(name, peers);
      const composition = await compose(opened.ports);
      local.handle = composition.handle;
      cleanUps.add(name, () => composition.stop?.());
      composed.push({ name, composition, opened });
    }
    const checks = composed.flatMap(({ name, opened }) => opened.checks.map((check) => ({ ...check, name: `${name} ${check.name}` })));
    await Promise.all(checks.map((check) => check.ready()));
    for (const { name, composition } of composed) {
      const app = appOf(name);
      health(app, { checks, metrics, state });
      await app.register(async (scope) => composition.routes?.(scope as unknown as App));
      await app.ready();
    }
    const server = createServer({ keepAliveTimeout: 65_000, requestTimeout: 0, maxHeaderSize: 16_384 }, dispatcher(locals));
    server.on('clientError', (error, socket) => [...locals.values()][0]?.app.server.emit('clientError', error, socket));
    for (const { composition } of composed) await composition.start?.();
    const subscriptions = composed.flatMap(({ name, composition, opened }) =>
      composition.subscriptions?.length ? subscribe(name, composition.subscriptions, opened.ports) : [],
    );
    cleanUps.add('subscriptions', () => Promise.all(subscriptions.map((subscription) => subscription.stop())));
    const url = await listen(server, shared);
    cleanUps.add('listener', () => close(server));
    cleanUps.add('drain', () => composed.forEach(({ composition }) => composition.drain?.()));
    cleanUps.add('readiness', () => void (state.ready = false));
    state.ready = true;
    let stopping: Promise<void> | undefined;
    return { url, shared, log, services: [...locals.keys()], app: appOf, stop: () => (stopping ??= cleanUps.run(log)) };
  } catch (error) {
    await cleanUps.run(log);
    throw error;
  }
}
