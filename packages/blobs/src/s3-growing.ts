/** Parts of growing blobs as S3 multipart uploads. */
import { Readable } from 'node:stream';
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  ListMultipartUploadsCommand,
  ListPartsCommand,
  UploadPartCommand,
  type MultipartUpload,
  type Part,
} from '@aws-sdk/client-s3';
import { contentTypeOf } from './content-type.ts';
import { answerDeadlineMs, attempts, requestDeadlineMs } from './deadlines.ts';
import type { PartPlace, PartStore } from './growing-parts.ts';
import type { PartLimits } from './growing-state.ts';
import { BlobNotFoundError } from './port.ts';
import type { S3Store } from './s3-client.ts';
import { isAbsent, translateS3 } from './s3-errors.ts';

/**
 * S3 takes 10 000 parts of 5 MiB to 5 GiB. Of the numbers a tenth is left for parts that were begun and never counted; up to 140 GiB a part is
 * gathered in memory.
 */
export const s3PartLimits: PartLimits = { minPartBytes: 8 * 1024 * 1024, plannedParts: 9_000, heldBytes: 16 * 1024 * 1024 };

/** Putting the parts together may take as long as storing them: some stores copy them. */
const completeMs = (lengthBytes: number): number => 60_000 + answerDeadlineMs(lengthBytes);

interface Wanted {
  readonly PartNumber: number;
  readonly ETag: string;
}

/** The parts with these numbers as `CompleteMultipartUpload` wants them. @throws {BlobNotFoundError} when one is missing or their bytes are not `lengthBytes` */
async function pick(listed: AsyncIterable<Part>, numbers: readonly number[], lengthBytes: number): Promise<Wanted[]> {
  const wanted = new Set(numbers);
  const picked: Wanted[] = [];
  let bytes = 0;
  for await (const { PartNumber = 0, ETag = '', Size = 0 } of listed) {
    if (!wanted.has(PartNumber)) continue;
    picked.push({ PartNumber, ETag });
    bytes += Size;
  }
  if (picked.length !== wanted.size || bytes !== lengthBytes) throw new BlobNotFoundError('Parts of a growing blob are gone');
  return picked.sort((a, b) => a.PartNumber - b.PartNumber);
}

class S3Parts implements PartStore {
  readonly limits: PartLimits;
  readonly maxNumber = 10_000;
  readonly #store: S3Store;

  constructor(store: S3Store, limits: PartLimits) {
    this.#store = store;
    this.limits = limits;
  }

  #at(key: string): { readonly Bucket: string; readonly Key: string } {
    return { Bucket: this.#store.bucket, Key: this.#store.prefix + key };
  }

  /** What `request` gives; its errors are the port's, and what is not there is a BlobNotFoundError. */
  async #ask<T>(
    key: string,
    request: (options: { readonly abortSignal: AbortSignal }) => Promise<T>,
    deadlineMs = requestDeadlineMs(),
  ): Promise<T> {
    try {
      return await request({ abortSignal: AbortSignal.timeout(deadlineMs) });
    } catch (error) {
      if (isAbsent(error)) throw new BlobNotFoundError(`The parts of ${key} are gone`);
      throw translateS3(error, this.#store.bucket);
    }
  }

  async begin(key: string): Promise<string> {
    const request = new CreateMultipartUploadCommand({ ...this.#at(key), ContentType: contentTypeOf(key) });
    const { UploadId = '' } = await this.#ask(key, (options) => this.#store.client.send(request, options));
    return UploadId;
  }

  async putPart({ key, upload, number }: PartPlace, bytes: number, body: Uint8Array | (() => AsyncIterable<Uint8Array>)): Promise<void> {
    const send = (Body: Uint8Array | Readable): Promise<unknown> => {
      const request = new UploadPartCommand({ ...this.#at(key), UploadId: upload, PartNumber: number, Body, ContentLength: bytes });
      const requestTimeout = answerDeadlineMs(bytes);
      return this.#ask(key, (options) => this.#store.client.send(request, { ...options, requestTimeout }), requestDeadlineMs(bytes));
    };
    if (body instanceof Uint8Array) return void (await send(body));
    // The SDK cannot send a stream a second time.
    for (let attempt = 1; ; attempt++) {
      try {
        return void (await send(Readable.from(body(), { objectMode: false })));
      } catch (error) {
        if (error instanceof BlobNotFoundError || attempt === attempts) throw error;
      }
    }
  }

  async hasPart({ key, upload, number }: PartPlace): Promise<boolean> {
    for await (const part of this.#listParts(key, upload, number - 1)) return part.PartNumber === number;
    return false;
  }

  /** Nothing when the upload is gone. */
  async *#listParts(key: string, upload: string, after = 0): AsyncIterable<Part> {
    for (let marker = String(after); ;) {
      const request = new ListPartsCommand({ ...this.#at(key), UploadId: upload, PartNumberMarker: marker });
      const page = await this.#ask(key, (options) => this.#store.client.send(request, options)).catch((error: unknown) => {
        if (!(error instanceof BlobNotFoundError)) throw error;
      });
      yield* page?.Parts ?? [];
      if (page?.IsTruncated !== true || page.NextPartNumberMarker === undefined) return;
      marker = page.NextPartNumberMarker;
    }
  }

  async complete(key: string, upload: string, numbers: readonly number[], lengthBytes: number): Promise<void> {
    const Parts = await pick(this.#listParts(key, upload), numbers, lengthBytes);
    const request = new CompleteMultipartUploadCommand({ ...this.#at(key), UploadId: upload, MultipartUpload: { Parts } });
    const deadlineMs = completeMs(lengthBytes);
    await this.#ask(key, (options) => this.#store.client.send(request, { ...options, requestTimeout: deadlineMs }), attempts * deadlineMs);
  }

  async abandon(key: string): Promise<void> {
    for await (const { Key, UploadId } of this.#uploads(key)) {
      if (Key !== this.#store.prefix + key) continue;
      const request = new AbortMultipartUploadCommand({ ...this.#at(key), UploadId });
      await this.#ask(key, (options) => this.#store.client.send(request, options)).catch((error: unknown) => {
        if (!(error instanceof BlobNotFoundError)) throw error;
      });
    }
  }

  async *begun(prefix: string, beforeMs: number): AsyncIterable<string> {
    for await (const { Key = '', Initiated } of this.#uploads(prefix))
      if (Initiated && Initiated.getTime() < beforeMs) yield Key.slice(this.#store.prefix.length);
  }

  async *#uploads(prefix: string): AsyncIterable<MultipartUpload> {
    const { bucket: Bucket, prefix: above } = this.#store;
    for (let after: { KeyMarker?: string; UploadIdMarker?: string } = {}; ;) {
      const request = new ListMultipartUploadsCommand({ Bucket, Prefix: above + prefix, ...after });
      const page = await this.#ask(prefix, (options) => this.#store.client.send(request, options));
      yield* page.Uploads ?? [];
      if (page.IsTruncated !== true || page.NextKeyMarker === undefined) return;
      after = { KeyMarker: page.NextKeyMarker, ...(page.NextUploadIdMarker !== undefined && { UploadIdMarker: page.NextUploadIdMarker }) };
    }
  }
}

/** Parts in an S3-compatible store. */
export const openS3Parts = (store: S3Store, limits = s3PartLimits): PartStore => new S3Parts(store, limits);
