/** The tus protocol, by @tus/server: requests without their bodies in, answers out, failures as problems. */
import { newId, Problem, type Identity } from '@kinora/contracts';
import { Server } from '@tus/server';
import { checksumAlgorithms, readChecksum } from './checksum.ts';
import type { UploadDataStore } from './data-store.ts';
import { exchanges, type Exchange } from './exchange.ts';
import type { Locks } from './locks.ts';
import { readMetadata } from './metadata.ts';
import type { Store } from './store.ts';
import { problemOf, problemOfAnswer } from './tus-problems.ts';
import type { CheckVideo } from './videos.ts';
import type { IncomingMessage } from 'node:http';

export interface TusRequest {
  readonly method: 'OPTIONS' | 'POST' | 'HEAD' | 'PATCH' | 'DELETE';
  readonly path: string;
  readonly incoming: IncomingMessage;
  readonly identity: Identity;
  readonly requestId: string;
}

export interface TusAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
}

export interface TusOptions {
  readonly store: Store;
  readonly dataStore: UploadDataStore;
  readonly locks: Locks;
  readonly maxBytes: number;
  readonly checkVideo: CheckVideo;
}

/** Answers a request. @throws {Problem} */
export type Tus = (request: TusRequest) => Promise<TusAnswer>;

const taken = /^(upload-.*|tus-resumable|content-type|content-length)$/;
const given = /^(location|upload-.*|tus-.*|cache-control)$/;

function headersOf({ headers }: IncomingMessage): Headers {
  const kept = new Headers();
  for (const [name, value] of Object.entries(headers)) if (typeof value === 'string' && taken.test(name)) kept.set(name, value);
  return kept;
}

function openServer({ dataStore, locks, maxBytes, checkVideo }: TusOptions): Server {
  return new Server({
    path: '/api/uploads',
    datastore: dataStore,
    locker: locks,
    maxSize: maxBytes,
    relativeLocation: true,
    disableTerminationForFinishedUploads: true,
    namingFunction: () => newId(),
    async onUploadCreate(_request, { metadata }) {
      const exchange = exchanges.getStore();
      if (!exchange) throw new Error('an upload is created outside a request');
      const source = readMetadata(metadata);
      await checkVideo(source, exchange);
      exchange.source = source;
      return {};
    },
    onResponseError(_request, error) {
      const exchange = exchanges.getStore();
      if (exchange) exchange.failure = error;
      return undefined;
    },
  });
}

/** What the tus server does not check, or answers otherwise than tus 1.0.0 says. @throws {Problem} */
function checkHeaders({ method, incoming }: TusRequest): void {
  const { headers } = incoming;
  if (method === 'OPTIONS') return;
  if (headers['tus-resumable'] !== '1.0.0') throw new Problem('unsupported-tus-version', { detail: 'Send Tus-Resumable: 1.0.0.' });
  if (method === 'PATCH' && headers['content-type'] !== 'application/offset+octet-stream')
    throw new Problem('unsupported-media-type', { detail: 'The body has to be application/offset+octet-stream.' });
  if (headers['upload-length'] !== undefined && !/^\d{1,16}$/.test(String(headers['upload-length'])))
    throw new Problem('invalid-upload', { detail: 'Upload-Length has to be a whole number of bytes.' });
}

/** The tus protocol over a store. */
export function openTus(options: TusOptions): Tus {
  const server = openServer(options);
  return async (request) => {
    checkHeaders(request);
    const { method, path, incoming, identity, requestId } = request;
    const exchange: Exchange = {
      incoming,
      ownerId: identity.accountId,
      requestId,
      checksum: readChecksum(incoming.headers['upload-checksum']?.toString()),
    };
    const bodiless = new Request(`http://uploads${path}`, { method, headers: headersOf(incoming) });
    const answer = await exchanges.run(exchange, () => server.handleWeb(bodiless));
    if (exchange.failure !== undefined) {
      // The client has not learnt where its upload is, so nobody can go on with it.
      if (method === 'POST' && exchange.createdId !== undefined) await options.store.remove(exchange.createdId);
      throw problemOf(exchange.failure, exchange.storedOffset);
    }
    if (answer.status >= 400) throw await problemOfAnswer(answer);
    const headers = Object.fromEntries([...answer.headers].filter(([name]) => given.test(name)));
    return {
      status: answer.status,
      headers: method === 'OPTIONS' ? { ...headers, 'tus-checksum-algorithm': checksumAlgorithms.join(',') } : headers,
    };
  };
}
