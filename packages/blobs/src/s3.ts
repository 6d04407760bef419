import { Readable } from 'node:stream';
import {
  DeleteObjectCommand,
  DeleteObjectsCommand,
  GetObjectCommand,
  HeadBucketCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type GetObjectCommandOutput,
  type HeadObjectCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { getSignedUrl } from '@aws-sdk/s3-request-presigner';
import { contentTypeOf } from './content-type.ts';
import { answerDeadlineMs, pingMs, requestDeadlineMs } from './deadlines.ts';
import { openPartsGrowing } from './growing-parts.ts';
import type { PartLimits } from './growing-state.ts';
import { openObjectBlobs } from './object-blobs.ts';
import { locatedSeconds } from './object-store.ts';
import type { Fetched, FetchOptions, ObjectStore, PartialUpload, WriteOptions } from './object-store.ts';
import { BlobChangedError, BlobStoreError } from './port.ts';
import type { BlobInfo, Blobs } from './port.ts';
import { openS3Client, type S3Store } from './s3-client.ts';
import { etagOf, isAbsent, isConflict, readS3Failure, translateS3, translateS3Write } from './s3-errors.ts';
import { openS3Parts } from './s3-growing.ts';
import { beginS3Upload, uploadPartBytes } from './s3-upload.ts';

/** As many as one request may list or delete. */
const pageKeys = 1_000;
/** A store asks for another try when a key was written or deleted at the same moment. */
const conflictTries = 5;

interface Facts {
  readonly ETag?: string | undefined;
  readonly LastModified?: Date | undefined;
}

const infoOf = (key: string, facts: Facts, bytes = 0): BlobInfo => ({
  key,
  bytes,
  etag: etagOf(facts),
  // Listings may know milliseconds, where a HEAD knows seconds.
  modifiedAt: new Date(Math.floor((facts.LastModified?.getTime() ?? 0) / 1000) * 1000).toISOString(),
});

/** Length of the whole object that `output` has a range of, or all. */
const wholeBytes = ({ ContentRange, ContentLength }: GetObjectCommandOutput): number =>
  ContentRange === undefined ? (ContentLength ?? 0) : Number(/\/(\d+)$/.exec(ContentRange)?.[1]);

const within = (ms: number, signal?: AbortSignal): { abortSignal: AbortSignal } => ({
  abortSignal: signal ? AbortSignal.any([signal, AbortSignal.timeout(ms)]) : AbortSignal.timeout(ms),
});

class S3Objects implements ObjectStore {
  readonly partBytes = uploadPartBytes;
  readonly #store: S3Store;
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(store: S3Store) {
    this.#store = store;
    this.#client = store.client;
    this.#bucket = store.bucket;
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#bucket, Key: this.#store.prefix + key };
  }

  async get(key: string, { range, etag, signal }: FetchOptions): Promise<Fetched | undefined> {
    const request = new GetObjectCommand({
      ...this.#at(key),
      ...(range && { Range: `bytes=${range.start}-${range.end - 1}` }),
      ...(etag !== undefined && { IfMatch: `"${etag}"` }),
    });
    try {
      const output = await this.#client.send(request, { abortSignal: signal });
      if (!(output.Body instanceof Readable)) throw new BlobStoreError('The object store gave no body');
      return { info: infoOf(key, output, wholeBytes(output)), body: output.Body };
    } catch (error) {
      signal.throwIfAborted();
      const { status } = readS3Failure(error);
      if (isAbsent(error)) return undefined;
      if (status === 412) throw new BlobChangedError(`${key} was replaced while it was read`);
      if (status !== 416) throw translateS3(error, this.#bucket);
    }
    // There is nothing from `range.start` on.
    const info = await this.stat(key);
    return info && { info, body: Readable.from([]) };
  }

  async #head(key: string): Promise<HeadObjectCommandOutput | undefined> {
    try {
      return await this.#client.send(new HeadObjectCommand(this.#at(key)), within(requestDeadlineMs()));
    } catch (error) {
      if (isAbsent(error)) return undefined;
      throw translateS3(error, this.#bucket);
    }
  }

  async stat(key: string): Promise<BlobInfo | undefined> {
    const output = await this.#head(key);
    return output && infoOf(key, output, output.ContentLength);
  }

  async marked(key: string): Promise<{ etag: string; mark: string | undefined } | undefined> {
    const output = await this.#head(key);
    return output && { etag: etagOf(output), mark: output.Metadata?.['kinoraput'] };
  }

  async put(key: string, bytes: Uint8Array, { ifAbsent, mark, signal }: WriteOptions): Promise<string> {
    const request = new PutObjectCommand({
      ...this.#at(key),
      Body: bytes,
      ContentLength: bytes.length,
      ContentType: contentTypeOf(key),
      ...(mark !== undefined && { Metadata: { kinoraput: mark } }),
      ...(ifAbsent && { IfNoneMatch: '*' }),
    });
    const options = { ...within(requestDeadlineMs(bytes.length), signal), requestTimeout: answerDeadlineMs(bytes.length) };
    for (let attempt = 1; ; attempt++) {
      try {
        return etagOf(await this.#client.send(request, options));
      } catch (error) {
        if (isConflict(error) && attempt < conflictTries) continue;
        throw translateS3Write(error, this.#bucket, key);
      }
    }
  }

  beginParts(key: string, mark: string, signal: AbortSignal): Promise<PartialUpload> {
    return beginS3Upload(this.#store, key, mark, signal);
  }

  async *list(prefix: string, after: string, signal: AbortSignal | undefined): AsyncIterable<readonly BlobInfo[]> {
    const { prefix: above } = this.#store;
    const question = {
      Bucket: this.#bucket,
      Prefix: above + prefix,
      MaxKeys: pageKeys,
      ...(after !== '' && { StartAfter: above + after }),
    };
    for (let ContinuationToken: string | undefined; ;) {
      const request = new ListObjectsV2Command({ ...question, ...(ContinuationToken !== undefined && { ContinuationToken }) });
      const page = await this.#client.send(request, within(requestDeadlineMs(), signal)).catch((error: unknown) => {
        signal?.throwIfAborted();
        throw translateS3(error, this.#bucket);
      });
      yield (page.Contents ?? []).map(({ Key = '', Size, ...facts }) => infoOf(Key.slice(above.length), facts, Size));
      ContinuationToken = page.NextContinuationToken;
      if (page.IsTruncated !== true || ContinuationToken === undefined) return;
    }
  }

  async delete(keys: readonly string[]): Promise<void> {
    const [first = ''] = keys;
    try {
      if (keys.length === 1) return void (await this.#client.send(new DeleteObjectCommand(this.#at(first)), within(requestDeadlineMs())));
      const Objects = keys.map((key) => ({ Key: this.#at(key).Key }));
      const request = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
      const { Errors = [] } = await this.#client.send(request, within(requestDeadlineMs()));
      const [failure] = Errors.filter(({ Code }) => Code !== 'NoSuchKey');
      if (failure) throw Object.assign(new Error('not deleted'), { Code: failure.Code });
    } catch (error) {
      if (!isAbsent(error)) throw translateS3(error, this.#bucket);
    }
  }

  sign(key: string): Promise<string> {
    return getSignedUrl(this.#client, new GetObjectCommand(this.#at(key)), { expiresIn: locatedSeconds }).catch((error: unknown) =>
      Promise.reject(translateS3(error, this.#bucket)),
    );
  }

  async #ask(request: Promise<unknown>): Promise<void> {
    await request.catch((error: unknown) => {
      // A HEAD has no body that could say which of the two is absent.
      throw translateS3(isAbsent(error) ? { code: 'NoSuchBucket' } : error, this.#bucket);
    });
  }

  ready(): Promise<void> {
    const request = new ListObjectsV2Command({ Bucket: this.#bucket, Prefix: this.#store.prefix, MaxKeys: 1 });
    return this.#ask(this.#client.send(request, within(requestDeadlineMs())));
  }

  ping(): Promise<void> {
    return this.#ask(this.#client.send(new HeadBucketCommand({ Bucket: this.#bucket }), within(pingMs)));
  }

  close(): Promise<void> {
    this.#client.destroy();
    return Promise.resolve();
  }
}

/** Blobs in an S3-compatible store, at an `s3:` BLOBS_URL. @throws {Error} a sentence without secrets */
export function openS3Blobs(url: string, limits?: PartLimits): Blobs {
  const store = openS3Client(url);
  const objects = new S3Objects(store);
  return openObjectBlobs(objects, openPartsGrowing(objects, openS3Parts(store, limits)));
}
