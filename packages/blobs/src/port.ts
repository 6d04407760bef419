/**
 * The Blobs port: bytes under keys. `test/conformance.ts` holds every adapter to this.
 *
 * A key is 1–512 characters of `[A-Za-z0-9._-]` in segments joined by `/`; no segment is empty, `.` or `..`, or starts with a dot.
 */
import type { Readable } from 'node:stream';

/** Half-open byte range `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

export interface BlobInfo {
  readonly key: string;
  readonly bytes: number;
  /** Strong validator, changes whenever the bytes do; without quotes. */
  readonly etag: string;
  /** ISO 8601. */
  readonly modifiedAt: string;
}

/** An open blob: reads stay on the bytes that were there when it was opened, even when the key is replaced or deleted meanwhile. */
export interface BlobReader {
  readonly info: BlobInfo;
  /** Fills `target` from byte `position` on; returns how many bytes were read, less than asked only at the end. */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export type BlobBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface Blobs {
  /**
   * Stores `body` under `key`, replacing what was there. The blob appears whole and durable or not at all; nothing half-written stays.
   * @throws {StorageFullError}
   * @throws {BlobExistsError} with `ifAbsent` when the key is taken
   */
  put(key: string, body: BlobBody, options?: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal }): Promise<BlobInfo>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** Undefined when there is no such blob. The caller closes the reader. */
  open(key: string): Promise<BlobReader | undefined>;
  /** The bytes of `range` (default: all) as a stream; destroying it frees everything. @throws {BlobNotFoundError} */
  stream(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable>;
  /** The whole blob, for small ones. @throws {BlobNotFoundError} */
  read(key: string): Promise<Buffer>;
  /** Blobs whose key starts with `prefix`, in key order. */
  list(prefix: string, options?: { readonly after?: string; readonly signal?: AbortSignal }): AsyncIterable<BlobInfo>;
  /** No error when absent. */
  delete(key: string): Promise<void>;
  /** Deletes every blob below `prefix` (which ends in `/`); returns how many. */
  deletePrefix(prefix: string): Promise<number>;
  /** A path or URL that ffmpeg can read with seeking. @throws {BlobNotFoundError} */
  locate(key: string): Promise<string>;
  /** Folder of this process for adapters that live on files, so that a tus store can write where the blobs are; undefined elsewhere. */
  readonly directory: string | undefined;
  ready(): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

export class BlobNotFoundError extends Error {
  override readonly name = 'BlobNotFoundError';
}
export class BlobExistsError extends Error {
  override readonly name = 'BlobExistsError';
}
export class InvalidBlobKeyError extends Error {
  override readonly name = 'InvalidBlobKeyError';
}
/** The disk or quota is full. */
export class StorageFullError extends Error {
  override readonly name = 'StorageFullError';
}
