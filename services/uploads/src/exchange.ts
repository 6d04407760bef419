/** One request on its way through the tus server, which knows no more of it than its headers. */
import { AsyncLocalStorage } from 'node:async_hooks';
import type { IncomingMessage } from 'node:http';
import type { Checksum } from './checksum.ts';
import type { Lease } from './leases.ts';
import type { SourceMetadata } from './metadata.ts';

export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly ownerId: string;
  readonly requestId: string;
  readonly checksum: Checksum | undefined;
  /** Set while the request has the upload for itself. */
  lease?: Lease | undefined;
  /** Set when the metadata of a new upload has been checked. */
  source?: SourceMetadata;
  /** Set when a new upload has its record. */
  createdId?: string;
  /** Set when the upload has been read. */
  storedOffset?: number;
  /** What was thrown inside the tus server. */
  failure?: unknown;
}

/** Carries the exchange to where the tus server calls back. */
export const exchanges = new AsyncLocalStorage<Exchange>();

/** @throws {Error} outside a request */
export function currentExchange(): Exchange {
  const exchange = exchanges.getStore();
  if (!exchange) throw new Error('the upload store is used outside a request');
  return exchange;
}
