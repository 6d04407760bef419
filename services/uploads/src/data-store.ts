/** Uploads as @tus/server wants to see them. */
import { createHash, type Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Appending, Growing } from '@kinora/blobs';
import { Problem } from '@kinora/contracts';
import { DataStore, Metadata, Upload } from '@tus/server';
import { currentExchange, type Exchange } from './exchange.ts';
import type { Lease } from './leases.ts';
import { receive, type Outcome } from './receive.ts';
import { growingOf, type Store, type UploadDocument } from './store.ts';
import type { Transfers } from './transfers.ts';
import type { CheckVideo } from './videos.ts';

export interface DataStoreOptions {
  readonly checkVideo: CheckVideo;
  readonly store: Store;
  readonly growing: Growing;
  readonly transfers: Transfers;
  readonly expirySeconds: number;
  readonly idleTimeoutSeconds: number;
  readonly now: () => Date;
}

function outcomeProblem(outcome: Outcome): Problem | undefined {
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

const noUpload = (): Problem => new Problem('not-found', { detail: 'There is no such upload.' });

/** @throws {Error} outside the time that the request has the upload for itself */
function leaseOf({ lease }: Exchange): Lease {
  if (!lease) throw new Error('an upload is changed by a request that does not hold it');
  return lease;
}

/**
 * Bytes go from the request itself to the blob store: through the tus server they would take several streams more, at a multiple of the CPU time.
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
    const { ownerId, source, requestId } = exchange;
    if (!source || upload.size === undefined) throw new Error('an upload without checked metadata');
    const lease = leaseOf(exchange);
    const now = this.#options.now();
    const { videoId, filename, mediaType } = source;
    const record = await this.#options.store.create({
      ...{ _id: upload.id, version: 0, videoId, ownerId, filename, ...(mediaType === undefined ? {} : { mediaType }) },
      metadata: Metadata.stringify(upload.metadata ?? {}),
      lengthBytes: upload.size,
      state: 'open',
      lease: lease.stamp,
      createdAt: now.toISOString(),
      expiresAt: new Date(now.getTime() + this.#options.expirySeconds * 1000).toISOString(),
    });
    lease.adopt(record);
    exchange.createdId = record._id;
    // Asked again: a video removed since the first time found no upload to remove.
    await this.#options.checkVideo(source, exchange);
    upload.creation_date = record.createdAt;
    if (upload.size === 0) await this.#options.store.complete(upload.id, requestId);
    return upload;
  }

  override async getUpload(uploadId: string): Promise<Upload> {
    const { store, growing, now } = this.#options;
    const exchange = currentExchange();
    const record = await store.find(uploadId);
    if (!record) throw noUpload();
    const isOver = record.state === 'open' && record.expiresAt <= now().toISOString();
    const offset = isOver ? undefined : await growing.offset(growingOf(record));
    if (offset === undefined) throw new Problem('upload-gone', { detail: 'The upload has expired; start again.' });
    // Killed between the last byte and the record: the client who asks is the first to find out.
    if (record.state === 'open' && offset === record.lengthBytes && exchange.lease) await store.complete(uploadId, exchange.requestId);
    exchange.storedOffset = offset;
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
    const { store, growing } = this.#options;
    const exchange = currentExchange();
    const lease = leaseOf(exchange);
    const record = lease.upload;
    if (!record) throw noUpload();
    const appending = await growing.append(growingOf(record), {
      isWhole: exchange.checksum !== undefined,
      record: async (growth) => void (await lease.change({ $set: { growth } })),
    });
    const stored = await this.#append(exchange, record, offset, appending);
    if (stored === record.lengthBytes) await store.complete(uploadId, exchange.requestId);
    return stored;
  }

  /** Takes the body to `appending`. A body that may not count leaves nothing; without a checksum a cut one leaves what has arrived. */
  async #append({ incoming, checksum }: Exchange, record: UploadDocument, offset: number, appending: Appending): Promise<number> {
    const hash = checksum && createHash(checksum.algorithm);
    let outcome: Outcome;
    try {
      outcome = await this.#receive(incoming, appending, record._id, record.lengthBytes - offset, hash);
    } catch (error) {
      await appending.keep().catch(() => undefined);
      throw error;
    }
    const isWrong = outcome === 'whole' && checksum && hash && !hash.digest().equals(checksum.digest);
    const problem = isWrong ? new Problem('checksum-mismatch', { detail: 'Send these bytes again.' }) : outcomeProblem(outcome);
    if (problem && (checksum || outcome === 'too-long')) {
      await appending.drop();
      throw problem;
    }
    const stored = await appending.keep();
    if (problem) throw problem;
    return stored;
  }

  async #receive(incoming: Readable, appending: Appending, uploadId: string, maxBytes: number, hash: Hash | undefined): Promise<Outcome> {
    const { transfers, idleTimeoutSeconds } = this.#options;
    const transfer = transfers.begin(uploadId);
    try {
      const { signal, heard, storing } = transfer;
      return await receive(incoming, appending, { maxBytes, idleTimeoutMs: idleTimeoutSeconds * 1000, hash, signal, heard, storing });
    } finally {
      transfer.end();
    }
  }

  override remove(uploadId: string): Promise<void> {
    return this.#options.store.remove(uploadId);
  }

  override getExpiration(): number {
    return this.#options.expirySeconds * 1000;
  }
}
