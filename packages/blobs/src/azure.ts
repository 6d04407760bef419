import { Readable } from 'node:stream';
import type {
  BlobDownloadResponseParsed,
  BlobGetPropertiesResponse,
  BlockBlobClient,
  ContainerListBlobFlatSegmentResponse,
} from '@azure/storage-blob';
import { openAzureClient, type AzureStore } from './azure-client.ts';
import { isAbsent, readAzureFailure, translateAzure, translateAzureWrite } from './azure-errors.ts';
import { openAzureParts } from './azure-growing.ts';
import { openSigner } from './azure-sign.ts';
import { beginAzureUpload, blockBytes } from './azure-upload.ts';
import type { AzureEnvironment } from './azure-url.ts';
import { contentTypeOf } from './content-type.ts';
import { pingMs, requestDeadlineMs } from './deadlines.ts';
import { openPartsGrowing } from './growing-parts.ts';
import type { PartLimits } from './growing-state.ts';
import { openObjectBlobs } from './object-blobs.ts';
import type { Fetched, FetchOptions, ObjectStore, PartialUpload, WriteOptions } from './object-store.ts';
import { BlobChangedError, BlobStoreError } from './port.ts';
import type { BlobInfo, Blobs } from './port.ts';

const pageBlobs = 1_000;
const deletionsAtOnce = 16;

interface Facts {
  readonly etag?: string | undefined;
  readonly lastModified?: Date | undefined;
}

const infoOf = (key: string, { etag = '', lastModified }: Facts, bytes = 0): BlobInfo => ({
  key,
  bytes,
  etag: etag.replaceAll('"', ''),
  modifiedAt: new Date(Math.floor((lastModified?.getTime() ?? 0) / 1000) * 1000).toISOString(),
});

/** Length of the whole blob that `output` has a range of, or all. */
const wholeBytes = ({ contentRange, contentLength }: BlobDownloadResponseParsed): number =>
  contentRange === undefined ? (contentLength ?? 0) : Number(/\/(\d+)$/.exec(contentRange)?.[1]);

const within = (ms: number, signal?: AbortSignal): AbortSignal =>
  signal ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : AbortSignal.timeout(ms);

class AzureObjects implements ObjectStore {
  readonly partBytes = blockBytes;
  readonly sign: (key: string) => Promise<string>;
  readonly #store: AzureStore;

  constructor(store: AzureStore) {
    this.#store = store;
    const sign = openSigner(store);
    this.sign = (key) => sign(this.#at(key)).catch((error: unknown) => Promise.reject(this.#failed(error)));
  }

  #at(key: string): BlockBlobClient {
    return this.#store.container.getBlockBlobClient(this.#store.prefix + key);
  }

  #failed(error: unknown): Error {
    return translateAzure(error, this.#store.container.containerName);
  }

  async get(key: string, { range, etag, signal }: FetchOptions): Promise<Fetched | undefined> {
    const [start, count] = range ? [range.start, range.end - range.start] : [0, undefined];
    try {
      const output = await this.#at(key).download(start, count, {
        abortSignal: signal,
        maxRetryRequests: 0, // `object-read.ts` goes on behind a break, for both stores alike
        conditions: etag === undefined ? {} : { ifMatch: `"${etag}"` },
      });
      if (!(output.readableStreamBody instanceof Readable)) throw new BlobStoreError('The object store gave no body');
      return { info: infoOf(key, output, wholeBytes(output)), body: output.readableStreamBody };
    } catch (error) {
      signal.throwIfAborted();
      const { status } = readAzureFailure(error);
      if (isAbsent(error)) return undefined;
      if (status === 412) throw new BlobChangedError(`${key} was replaced while it was read`);
      if (status !== 416) throw this.#failed(error);
    }
    // There is nothing from `range.start` on.
    const info = await this.stat(key);
    return info && { info, body: Readable.from([]) };
  }

  async #properties(key: string): Promise<BlobGetPropertiesResponse | undefined> {
    try {
      return await this.#at(key).getProperties({ abortSignal: within(requestDeadlineMs()) });
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw this.#failed(error);
    }
  }

  async stat(key: string): Promise<BlobInfo | undefined> {
    const output = await this.#properties(key);
    return output && infoOf(key, output, output.contentLength);
  }

  async marked(key: string): Promise<{ etag: string; mark: string | undefined } | undefined> {
    const output = await this.#properties(key);
    return output && { etag: infoOf(key, output).etag, mark: output.metadata?.['kinoraput'] };
  }

  async put(key: string, bytes: Uint8Array, { ifAbsent, mark, signal }: WriteOptions): Promise<string> {
    try {
      const output = await this.#at(key).upload(bytes, bytes.length, {
        abortSignal: within(requestDeadlineMs(bytes.length), signal),
        blobHTTPHeaders: { blobContentType: contentTypeOf(key) },
        ...(mark !== undefined && { metadata: { kinoraput: mark } }),
        ...(ifAbsent && { conditions: { ifNoneMatch: '*' } }),
      });
      return infoOf(key, output).etag;
    } catch (error) {
      throw translateAzureWrite(error, this.#store.container.containerName, key, ifAbsent);
    }
  }

  beginParts(key: string, mark: string): Promise<PartialUpload> {
    return Promise.resolve(beginAzureUpload(this.#store, this.#at(key), key, mark));
  }

  async *list(prefix: string, after: string, signal: AbortSignal | undefined): AsyncIterable<readonly BlobInfo[]> {
    const { container, prefix: above } = this.#store;
    for (let continuationToken: string | undefined; ;) {
      const pages = container
        .listBlobsFlat({
          prefix: above + prefix,
          // Includes the key itself, and older services pass over it: `object-blobs.ts` looks at each key.
          ...(after !== '' && { startFrom: above + after }),
          abortSignal: within(requestDeadlineMs(), signal),
        })
        .byPage({ maxPageSize: pageBlobs, ...(continuationToken !== undefined && { continuationToken }) });
      const next = pages.next() as Promise<IteratorResult<ContainerListBlobFlatSegmentResponse, undefined>>;
      const { value: page } = await next.catch((error: unknown) => {
        signal?.throwIfAborted();
        throw this.#failed(error);
      });
      if (page === undefined) return;
      yield page.segment.blobItems.map(({ name, properties }) => infoOf(name.slice(above.length), properties, properties.contentLength));
      continuationToken = page.continuationToken;
      if (!continuationToken) return;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    const left = [...keys];
    const work = async (): Promise<void> => {
      for (let key = left.pop(); key !== undefined; key = left.pop()) {
        await this.#at(key)
          .deleteIfExists({ deleteSnapshots: 'include', abortSignal: within(requestDeadlineMs()) })
          .catch((error: unknown) => Promise.reject(this.#failed(error)));
      }
    };
    await Promise.all(Array.from({ length: Math.min(deletionsAtOnce, keys.length) }, work));
  }

  async #ask(ms: number): Promise<void> {
    await this.#store.container.getProperties({ abortSignal: within(ms) }).catch((error: unknown) => Promise.reject(this.#failed(error)));
  }

  ready(): Promise<void> {
    return this.#ask(requestDeadlineMs());
  }

  ping(): Promise<void> {
    return this.#ask(pingMs);
  }

  close(): Promise<void> {
    this.#store.close();
    return Promise.resolve();
  }
}

/** Blobs in Azure Blob Storage, at an `azure:` BLOBS_URL, with the credentials in `env`. @throws {Error} a sentence without secrets */
export async function openAzureBlobs(url: string, env: AzureEnvironment, limits?: PartLimits): Promise<Blobs> {
  const store = await openAzureClient(url, env);
  const objects = new AzureObjects(store);
  return openObjectBlobs(objects, openPartsGrowing(objects, openAzureParts(store, limits)));
}
