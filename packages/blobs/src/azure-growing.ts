/** Parts of growing blobs as Azure blocks that are staged until the blob is put together. */
import { Readable } from 'node:stream';
import type { BlockBlobClient } from '@azure/storage-blob';
import type { AzureStore } from './azure-client.ts';
import { isAbsent, readAzureFailure, translateAzure } from './azure-errors.ts';
import { contentTypeOf } from './content-type.ts';
import { answerDeadlineMs, attempts, requestDeadlineMs } from './deadlines.ts';
import type { PartPlace, PartStore } from './growing-parts.ts';
import type { PartLimits } from './growing-state.ts';
import { BlobNotFoundError } from './port.ts';

/** A blob has 50 000 blocks at most, of any size up to 4 000 MiB; up to 700 GiB a block is gathered in memory. */
export const azurePartLimits: PartLimits = { minPartBytes: 8 * 1024 * 1024, plannedParts: 45_000, heldBytes: 16 * 1024 * 1024 };

/** Ids of a blob's blocks are equally long. */
const blockId = (number: number): string => Buffer.from(String(number).padStart(6, '0')).toString('base64');

/** The block list named a block that is not there. */
const isLost = (error: unknown): boolean =>
  isAbsent(error) || ['InvalidBlockList', 'InvalidBlockId'].includes(readAzureFailure(error).code);

class AzureParts implements PartStore {
  readonly limits: PartLimits;
  /** So many may be staged. */
  readonly maxNumber = 100_000;
  readonly #store: AzureStore;

  constructor(store: AzureStore, limits: PartLimits) {
    this.#store = store;
    this.limits = limits;
  }

  async #ask<T>(
    key: string,
    request: (blob: BlockBlobClient, abortSignal: AbortSignal) => Promise<T>,
    deadlineMs = requestDeadlineMs(),
  ): Promise<T> {
    const { container, prefix } = this.#store;
    try {
      return await request(container.getBlockBlobClient(prefix + key), AbortSignal.timeout(deadlineMs));
    } catch (error) {
      if (isLost(error)) throw new BlobNotFoundError(`The blocks of ${key} are gone`);
      throw translateAzure(error, container.containerName);
    }
  }

  /** The first block begins it. */
  begin(): Promise<string> {
    return Promise.resolve('');
  }

  async putPart({ key, number }: PartPlace, bytes: number, body: Uint8Array | (() => AsyncIterable<Uint8Array>)): Promise<void> {
    const content = body instanceof Uint8Array ? body : () => Readable.from(body(), { objectMode: false });
    await this.#ask(
      key,
      (blob, abortSignal) => blob.stageBlock(blockId(number), content, bytes, { abortSignal }),
      requestDeadlineMs(bytes),
    );
  }

  async hasPart({ key, number }: PartPlace): Promise<boolean> {
    try {
      const { uncommittedBlocks = [] } = await this.#ask(key, (blob, abortSignal) => blob.getBlockList('uncommitted', { abortSignal }));
      return uncommittedBlocks.some(({ name }) => name === blockId(number));
    } catch (error) {
      if (error instanceof BlobNotFoundError) return false;
      throw error;
    }
  }

  async #bytes(key: string): Promise<number | undefined> {
    try {
      return (await this.#ask(key, (blob, abortSignal) => blob.getProperties({ abortSignal }))).contentLength;
    } catch (error) {
      if (error instanceof BlobNotFoundError) return undefined;
      throw error;
    }
  }

  async complete(key: string, _upload: string, numbers: readonly number[], lengthBytes: number): Promise<void> {
    // The same list once more would be taken, and change the blob's ETag.
    if ((await this.#bytes(key)) === lengthBytes) return;
    const blobHTTPHeaders = { blobContentType: contentTypeOf(key) };
    const ids = numbers.map(blockId);
    await this.#ask(
      key,
      (blob, abortSignal) => blob.commitBlockList(ids, { abortSignal, blobHTTPHeaders }),
      attempts * answerDeadlineMs() + 60_000,
    );
  }

  /** The store forgets staged blocks when the blob is put together without them; the empty blob is its caller's to delete. */
  async abandon(key: string): Promise<void> {
    if ((await this.#bytes(key)) === undefined) await this.#ask(key, (blob, abortSignal) => blob.commitBlockList([], { abortSignal }));
  }

  /** Nothing: the store removes blocks by itself a week after the last one. */
  async *begun(): AsyncIterable<string> {}
}

/** Parts in Azure Blob Storage. */
export const openAzureParts = (store: AzureStore, limits = azurePartLimits): PartStore => new AzureParts(store, limits);
