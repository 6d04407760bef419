/** Hands requests to the services that answer them, ahead of any routing here: every microsecond counts for segments. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { gatewayHeaders, newId, Problem, serviceFor, type IdentityAnswer, type ServiceName } from '@kinora/contracts';
import { openLimit, type Log, type Peer, type Peers, type SharedConfig } from '@kinora/service';
import { clientAddress, networkOf } from './client-address.ts';
import type { Config } from './config.ts';
import { credentialOf, type Credential } from './credential.ts';
import type { Identities } from './identities.ts';
import { requestPath } from './request-path.ts';
import { isSameOrigin } from './same-origin.ts';
import { apiHeaders } from './security-headers.ts';

export interface ForwardOptions {
  readonly config: Config;
  readonly shared: SharedConfig;
  readonly peers: Peers;
  readonly identities: Identities;
  readonly log: Log;
  readonly now: () => Date;
}

/** What a client might send to be taken for the gateway or for somebody else. */
const spoofable = [
  'forwarded',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-port',
  'x-real-ip',
  ...Object.values(gatewayHeaders),
];
const hopByHop = ['connection', 'keep-alive', 'proxy-connection', 'proxy-authorization', 'te', 'upgrade'];
const requestId = /^[A-Za-z0-9._-]{1,64}$/;

const takesCredentials = (path: string): boolean => path.startsWith('/api/auth/');

/** Writes `problem` as the HTTP edge of a service does, unless an answer has begun. */
export function writeProblem(response: ServerResponse, problem: Problem, id: string): void {
  if (response.headersSent) return void response.destroy();
  const { retryAfterSeconds } = problem.extensions;
  if (typeof retryAfterSeconds === 'number') response.setHeader('retry-after', retryAfterSeconds);
  response.writeHead(problem.status, {
    'content-type': 'application/problem+json; charset=utf-8',
    'cache-control': 'no-store',
    'x-request-id': id,
  });
  response.end(JSON.stringify(problem.toBody(id)));
}

/** True when the request was taken: its path belongs to a service. */
export function openForward(options: ForwardOptions): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { config, shared, log, now } = options;
  const limit = openLimit({ max: config.requestsPerMinute, windowSeconds: 60, now });
  const headers = apiHeaders(shared.publicUrl);
  const forwarder = new Forwarder(options);
  const fail = (response: ServerResponse, id: string, error: unknown): void => {
    if (!(error instanceof Problem)) log.error({ requestId: id, err: error }, 'forwarding failed');
    else if (error.status >= 500) log.warn({ requestId: id, problem: error.slug, detail: error.message }, 'service not reached');
    writeProblem(response, error instanceof Problem ? error : new Problem('internal-error'), id);
  };
  return (request, response) => {
    const path = requestPath(request.url ?? '');
    const service = path === undefined ? undefined : serviceFor(path);
    if (path !== undefined && service === undefined) return false;
    const given = request.headers['x-request-id'];
    const id = typeof given === 'string' && requestId.test(given) ? given : newId();
    request.headers['x-request-id'] = id;
    const failed = (error: unknown): void => fail(response, id, error);
    if (path === undefined || service === undefined) {
      failed(new Problem('invalid-request', { detail: 'The path is not plain.' }));
    } else if (service === 'streaming') {
      response.setHeader('x-content-type-options', 'nosniff');
      forwarder.media(request, response).catch(failed);
    } else {
      for (const [name, value] of headers) response.setHeader(name, value);
      const address = clientAddress(request, shared.trustProxy);
      const retryAfterSeconds = limit.take(networkOf(address));
      if (retryAfterSeconds !== undefined) failed(new Problem('too-many-requests', { retryAfterSeconds }));
      else forwarder.api(request, response, { path, service, address }).catch(failed);
    }
    return true;
  };
}

interface Target {
  readonly path: string;
  readonly service: ServiceName;
  readonly address: string;
}

class Forwarder {
  readonly #options: ForwardOptions;
  readonly #peers = new Map<ServiceName, Peer>();

  constructor(options: ForwardOptions) {
    this.#options = options;
  }

  #peer(service: ServiceName): Peer {
    let peer = this.#peers.get(service);
    if (!peer) this.#peers.set(service, (peer = this.#options.peers(service)));
    return peer;
  }

  /** Media answers whoever has a playback token: nobody is asked who it is. */
  media(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { headers } = request;
    if (headers.cookie !== undefined) delete headers.cookie;
    if (headers.authorization !== undefined) delete headers.authorization;
    return this.#peer('streaming').forward(request, response);
  }

  async api(request: IncomingMessage, response: ServerResponse, { path, service, address }: Target): Promise<void> {
    const { headers } = request;
    this.#refuseOtherSites(request);
    const credential = credentialOf(headers);
    this.#cleanHeaders(request, address);
    if (takesCredentials(path)) {
      if (headers.authorization !== undefined) headers[gatewayHeaders.credential] = headers.authorization;
      delete headers.authorization;
    } else {
      delete headers.cookie;
      delete headers.authorization;
      const { token, setCookie } = credential ? await this.#identify(credential, request.method ?? 'GET') : {};
      if (token !== undefined) headers.authorization = `Bearer ${token}`;
      if (setCookie) response.setHeader('set-cookie', setCookie);
    }
    if (credential && service === 'accounts' && request.method !== 'GET') {
      this.#options.identities.forget(credential);
      response.once('close', () => this.#options.identities.forget(credential));
    }
    await this.#peer(service).forward(request, response);
  }

  async #identify(credential: Credential, method: string): Promise<IdentityAnswer> {
    try {
      const answer = await this.#options.identities.find(credential);
      if (answer.token === undefined && !credential.isCookie) throw new Problem('invalid-token');
      return answer;
    } catch (error) {
      // What everybody may see stays visible while accounts is down, to people it has not told us about as well.
      const mayGoOn = credential.isCookie && (method === 'GET' || method === 'HEAD');
      if (error instanceof Problem && error.status >= 500 && mayGoOn) return {};
      throw error;
    }
  }

  #refuseOtherSites({ method = 'GET', headers }: IncomingMessage): void {
    if (headers.authorization !== undefined) return;
    const { publicUrl, trustProxy } = this.#options.shared;
    const forwardedHost = trustProxy ? headers['x-forwarded-host'] : undefined;
    const host = typeof forwardedHost === 'string' ? forwardedHost : headers.host;
    // Node joins a repeated header of this name with commas, which is then no value that is let through.
    const secFetchSite = headers['sec-fetch-site']?.toString();
    const provenance = { method, host, origin: headers.origin, secFetchSite };
    if (!isSameOrigin(provenance, publicUrl)) throw new Problem('cross-site-request');
  }

  #cleanHeaders({ headers, socket }: IncomingMessage, address: string): void {
    const { publicUrl, trustProxy } = this.#options.shared;
    const before: IncomingMessage['headers'] = trustProxy ? { ...headers } : {};
    for (const name of spoofable) if (headers[name] !== undefined) delete headers[name];
    for (const name of hopByHop) if (headers[name] !== undefined) delete headers[name];
    const known = publicUrl === undefined ? undefined : new URL(publicUrl);
    const via = [before['x-forwarded-for'], socket.remoteAddress].filter((part) => part !== undefined);
    headers['x-forwarded-for'] = via.join(', ');
    headers['x-forwarded-host'] = known?.host ?? before['x-forwarded-host'] ?? headers.host;
    headers['x-forwarded-proto'] = known?.protocol.slice(0, -1) ?? before['x-forwarded-proto'] ?? 'http';
    headers[gatewayHeaders.clientAddress] = networkOf(address);
  }
}
