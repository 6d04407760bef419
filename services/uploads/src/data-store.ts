/** Uploads as @tus/server wants to see them. */
import { AsyncLocalStorage } from 'node:async_hooks';
import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Readable } from 'node:stream';
import { Problem } from '@kinora/contracts';
import { DataStore, Metadata, Upload } from '@tus/server';
import type { Checksum } from './checksum.ts';
import type { SourceMetadata } from './metadata.ts';
import { receive, type Received } from './receive.ts';
import { asStorageError, type SourceFiles } from './source-files.ts';
import type { Store, UploadDocument } from './store.ts';
import type { Transfers } from './transfers.ts';

/** One request on its way through the tus server, which knows no more of it than its headers. */
export interface Exchange {
  readonly incoming: IncomingMessage;
  readonly ownerId: string;
  readonly requestId: string;
  readonly checksum: Checksum | undefined;
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

const currentExchange = (): Exchange => {
  const exchange = exchanges.getStore();
  if (!exchange) throw new Error('the upload store is used outside a request');
  return exchange;
};

export interface DataStoreOptions {
  readonly store: Store;
  readonly files: SourceFiles;
  readonly transfers: Transfers;
  readonly expirySeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly now: () => Date;
}

function outcomeProblem({ outcome }: Received): Problem | undefined {
  switch (outcome) {
    case 'idle':
    case 'cut':
      return new Problem('request-timeout', { detail: 'The body stopped arriving; what has arrived is kept.' });
    case 'too-long':
      return new Problem('payload-too-large', { detail: 'The body goes past the length of the upload.' });
    case 'whole':
      return undefined;
  }
}

/**
 * Bytes go from the request itself to the file: through the tus server they would take several streams more, at a multiple of the CPU time.
 * So the server is given requests without bodies, and `write` takes the body from the exchange.
 */
export class UploadDataStore extends DataStore {
  readonly #options: DataStoreOptions;

  constructor(options: DataStoreOptions) {
    super();
    this.#options = options;
    this.extensions = ['creation', 'creation-with-upload', 'expiration', 'termination', 'checksum'];
  }

  override async create(upload: Upload): Promise<Upload> {
    const exchange = currentExchange();
    const { ownerId, source } = exchange;
    if (!source || upload.size === undefined) throw new Error('an upload without checked metadata');
    const now = this.#options.now();
    const { videoId, filename, mediaType } = source;
    const record: UploadDocument = {
      ...{ _id: upload.id, version: 0, videoId, ownerId, filename, ...(mediaType === undefined ? {} : { mediaType }) },
      metadata: Metadata.stringify(upload.metadata ?? {}),
      lengthBytes: upload.size,
      state: 'open',
      createdAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + this.#options.expirySeconds * 1000).toISOString(),
    };
    await this.#options.store.create(record);
    exchange.createdId = record._id;
    upload.creation_date = record.createdAt;
    return upload;
  }

  /** Under the upload's lock: bytes that were never verified are dropped first. */
  override async getUpload(uploadId: string): Promise<Upload> {
    const { store, files, now } = this.#options;
    const record = await store.find(uploadId);
    if (!record) throw new Problem('not-found', { detail: 'There is no such upload.' });
    const isOver = record.state === 'open' && record.expiresAt <= now().toISOString();
    if (record.verifiedBytes !== undefined) {
      await files.truncate(uploadId, record.verifiedBytes);
      await store.markVerified(uploadId, undefined);
    }
    const offset = isOver ? undefined : await files.offset(uploadId);
    if (offset === undefined) throw new Problem('upload-gone', { detail: 'The upload has expired; start again.' });
    // Killed between the last byte and the record: the client who asks is the first to find out.
    if (record.state === 'open' && offset === record.lengthBytes) await store.complete(uploadId, currentExchange().requestId);
    currentExchange().storedOffset = offset;
    return new Upload({
      id: uploadId,
      size: record.lengthBytes,
      offset,
      metadata: Metadata.parse(record.metadata),
      creation_date: record.createdAt,
    });
  }

  override async write(unused: Readable, uploadId: string, offset: number): Promise<number> {
    unused.resume();
    const { store, files } = this.#options;
    const { checksum, incoming } = currentExchange();
    const record = await store.find(uploadId);
    if (!record) throw new Problem('not-found', { detail: 'There is no such upload.' });
    if (checksum) await store.markVerified(uploadId, offset);
    const hash = checksum && createHash(checksum.algorithm);
    const received = await this.#receive(incoming, uploadId, offset, record.lengthBytes - offset, hash);
    const mismatch = received.outcome === 'whole' && checksum && hash && !hash.digest().equals(checksum.digest);
    const problem = mismatch ? new Problem('checksum-mismatch', { detail: 'Send these bytes again.' }) : outcomeProblem(received);
    // A body that may not count leaves nothing; without a checksum a cut one leaves what has arrived.
    if (problem && (checksum || received.outcome === 'too-long')) await files.truncate(uploadId, offset);
    if (checksum) await store.markVerified(uploadId, undefined);
    if (problem) throw problem;
    return offset + received.bytes;
  }

  async #receive(
    incoming: IncomingMessage,
    uploadId: string,
    position: number,
    maxBytes: number,
    hash: ReturnType<typeof createHash> | undefined,
  ): Promise<Received> {
    const { files, transfers, idleTimeoutSeconds } = this.#options;
    const transfer = transfers.begin(uploadId);
    const file = await files.open(uploadId);
    try {
      const { signal, heard } = transfer;
      return await receive(incoming, file, { position, maxBytes, idleTimeoutMs: idleTimeoutSeconds * 1000, hash, signal, heard });
    } catch (error) {
      throw asStorageError(error);
    } finally {
      transfer.end();
      await file.close();
    }
  }

  override remove(uploadId: string): Promise<void> {
    return this.#options.store.remove(uploadId);
  }

  override getExpiration(): number {
    return this.#options.expirySeconds * 1000;
  }
}
