/** How one service asks another: by a call inside the process where it runs here, by HTTP with keep-alive where it does not. Callers cannot tell. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Agent, errors, request } from 'undici';
import { Problem, type ServiceName } from '@kinora/contracts';
import type { Composition } from './define.ts';
import type { App } from './http.ts';

export interface PeerRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE' | 'HEAD';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Default 5 000. */
  readonly deadlineMs?: number;
}

export interface PeerResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

export interface Peer {
  /** @throws {Problem} service-unavailable, deadline-exceeded */
  call(request: PeerRequest): Promise<PeerResponse>;
  /** Answers `response` with what the peer answers to `request`; its headers, as they are now, go along. @throws {Problem} before anything is written */
  forward(request: IncomingMessage, response: ServerResponse): Promise<void>;
}

/** Gives a peer by name. */
export type Peers = (service: ServiceName) => Peer;

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'host',
  'expect',
]);

function endToEnd(headers: Readonly<Record<string, string | string[] | undefined>>): Record<string, string | string[]> {
  const kept: Record<string, string | string[]> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined && !hopByHop.has(name)) kept[name] = value;
  return kept;
}

const unavailable = (service: string, cause?: unknown): Problem =>
  new Problem('service-unavailable', { detail: `The ${service} service does not answer.`, service, cause });

/** A service that runs in this process. */
export interface Local {
  readonly app: App;
  /** What answers ahead of the routes, once the service is composed. */
  handle: Composition['handle'];
}

/** Answers a request of a service that runs here. */
export function answerLocally({ app, handle }: Local, request: IncomingMessage, response: ServerResponse): void {
  if (!handle?.(request, response)) app.routing(request, response);
}

function localPeer(service: string, local: Local): Peer {
  return {
    async call({ method, path, headers, body, deadlineMs = 5_000 }) {
      const payload = body === undefined ? {} : { payload: JSON.stringify(body) };
      const answer = await local.app
        .inject({
          method,
          url: path,
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          signal: AbortSignal.timeout(deadlineMs),
          ...payload,
        })
        .catch((error: unknown) => {
          throw translate(service, error);
        });
      return { status: answer.statusCode, headers: answer.headers as PeerResponse['headers'], text: answer.payload };
    },
    forward(incoming, response) {
      answerLocally(local, incoming, response);
      return Promise.resolve();
    },
  };
}

function translate(service: string, error: unknown): unknown {
  if (
    error instanceof errors.HeadersTimeoutError ||
    error instanceof errors.BodyTimeoutError ||
    (error instanceof Error && error.name === 'TimeoutError')
  )
    return new Problem('deadline-exceeded', { detail: `The ${service} service took too long to answer.`, service, cause: error });
  return error instanceof Problem ? error : unavailable(service, error);
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code);

/** Nothing was sent: the replica that was asked is stopping or gone. */
const isUnsent = (error: unknown): boolean => ['ECONNREFUSED', 'EHOSTUNREACH', 'UND_ERR_CONNECT_TIMEOUT'].includes(codeOf(error));

/** The connection ended before an answer began, as kept-alive ones do when a replica stops. */
const isCutOff = (error: unknown): boolean => ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'].includes(codeOf(error));

/** Asks a second time, over another connection, when that cannot do anything twice: a stopping replica is nobody's error. */
async function askAgain<T>(isSafe: boolean, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    if (!isUnsent(error) && !(isSafe && isCutOff(error))) throw error;
    return ask();
  }
}

const isSafeMethod = (method: string | undefined): boolean => method === 'GET' || method === 'HEAD';

function remotePeer(service: string, origin: string, agent: Agent): Peer {
  return {
    async call({ method, path, headers, body, deadlineMs = 5_000 }) {
      const signal = AbortSignal.timeout(deadlineMs);
      try {
        return await askAgain(isSafeMethod(method), async () => {
          const answer = await request(new URL(path, origin), {
            dispatcher: agent,
            method,
            headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
            ...(body === undefined ? {} : { body: JSON.stringify(body) }),
            signal,
          });
          return { status: answer.statusCode, headers: answer.headers, text: await answer.body.text() };
        });
      } catch (error) {
        throw translate(service, error);
      }
    },
    async forward(incoming, response) {
      const leave = new AbortController();
      response.once('close', () => leave.abort());
      const hasBody = incoming.headers['content-length'] !== undefined || incoming.headers['transfer-encoding'] !== undefined;
      // The target goes along as it came: as a URL it would be tidied up, and `/api/x/../../internal` would lead inside.
      const options = {
        origin: new URL(origin).origin,
        path: incoming.url ?? '/',
        method: (incoming.method ?? 'GET') as PeerRequest['method'],
        headers: endToEnd(incoming.headers),
        body: hasBody ? incoming : null,
        signal: leave.signal,
      };
      // A body can be sent once only: undici ends it with the connection.
      const ask = () => agent.request(options);
      const answer = await (hasBody ? ask() : askAgain(isSafeMethod(incoming.method), ask)).catch((error: unknown) => {
        throw translate(service, error);
      });
      response.writeHead(answer.statusCode, { ...response.getHeaders(), ...endToEnd(answer.headers) });
      // An answer cut off cannot become an error page any more: the connection ends, and the client sees that it is incomplete.
      await pipeline(answer.body, response).catch(() => response.destroy());
    },
  };
}

/** Peers of a process: `locals` by name, the others by URL; a service that is neither answers `service-unavailable`. `close` ends idle connections. */
export function openPeers(
  locals: ReadonlyMap<string, Local>,
  urls: Readonly<Record<ServiceName, string | undefined>>,
): { readonly peers: Peers; close(): Promise<void> } {
  // Long headers timeout: a tus PATCH answers when its whole body has arrived.
  const agent = new Agent({
    connect: { timeout: 2_000 },
    headersTimeout: 3_600_000,
    bodyTimeout: 0,
    keepAliveTimeout: 30_000,
    connections: 128,
  });
  const missing = (service: string): Peer => ({
    call: () => Promise.reject(unavailable(service)),
    forward: () => Promise.reject(unavailable(service)),
  });
  const remotes = new Map(
    Object.entries(urls).flatMap(([service, origin]) => (origin ? [[service, remotePeer(service, origin, agent)] as const] : [])),
  );
  const peers: Peers = (service) => {
    const local = locals.get(service);
    return local ? localPeer(service, local) : (remotes.get(service) ?? missing(service));
  };
  return { peers, close: () => agent.close() };
}
