/**
 * The Blobs port: bytes under keys. `test/conformance.ts` holds every adapter to this.
 *
 * A key is 1–512 characters of `[A-Za-z0-9._-]` in segments joined by `/`; no segment is empty, `.` or `..`, or starts with a dot.
 */
import type { Readable } from 'node:stream';
import type { Growing } from './growing.ts';

/** Half-open byte range `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** What is known of a blob by storing it. */
export interface StoredBlob {
  readonly key: string;
  readonly bytes: number;
  /** Strong validator, changes whenever the bytes do; without quotes. Equal bytes stored again may keep it. */
  readonly etag: string;
}

export interface BlobInfo extends StoredBlob {
  /** ISO 8601; some stores know whole seconds only. */
  readonly modifiedAt: string;
}

/**
 * An open blob: reads never leave the bytes that were there when it was opened. When the key is replaced or deleted meanwhile, they go on with
 * those bytes, or, where the store cannot give them any more, fail. Small blobs are never long enough under way for that.
 */
export interface BlobReader {
  readonly info: BlobInfo;
  /**
   * Fills `target` from byte `position` on; returns how many bytes were read, less than asked only at the end. Reading on where the last read
   * ended is cheapest.
   * @throws {BlobChangedError} when the bytes are gone
   */
  read(target: Uint8Array, position: number): Promise<number>;
  close(): Promise<void>;
}

export type BlobBody = Uint8Array | AsyncIterable<Uint8Array>;

export interface Blobs {
  /**
   * Stores `body` under `key`, replacing what was there. The blob appears whole and durable or not at all; nothing half-written stays.
   * Of writers at once one is the last, or with `ifAbsent` the only one.
   * @throws {StorageFullError}
   * @throws {BlobExistsError} with `ifAbsent` when the key is taken
   */
  put(key: string, body: BlobBody, options?: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal }): Promise<StoredBlob>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** Undefined when there is no such blob. The caller closes the reader. */
  open(key: string): Promise<BlobReader | undefined>;
  /** The bytes of `range` (default: all) as a stream, which fails as a reader does; destroying it frees everything. @throws {BlobNotFoundError} */
  stream(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable>;
  /** The whole blob, for small ones. @throws {BlobNotFoundError} */
  read(key: string): Promise<Buffer>;
  /** Blobs whose key starts with `prefix`, in key order. */
  list(prefix: string, options?: { readonly after?: string; readonly signal?: AbortSignal }): AsyncIterable<BlobInfo>;
  /** No error when absent. */
  delete(key: string): Promise<void>;
  /** Deletes every blob below `prefix` (which ends in `/`); returns how many. */
  deletePrefix(prefix: string): Promise<number>;
  /** A path, or a URL that gives whoever has it the right to read for days, that ffmpeg can read with seeking. Never log it. @throws {BlobNotFoundError} */
  locate(key: string): Promise<string>;
  /** Blobs that arrive bit by bit. Undisturbed by the rest: use other keys for each. */
  readonly growing: Growing;
  /** Folder of this process for adapters that live on files; undefined elsewhere. */
  readonly directory: string | undefined;
  /** Resolves when the store can be used. @throws {BlobStoreError} */
  ready(): Promise<void>;
  /** As `ready`, quick and cheap. */
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
/** The blob was replaced or deleted while it was read. */
export class BlobChangedError extends Error {
  override readonly name = 'BlobChangedError';
}
/** The store is out of reach, refuses, or fails, which may pass; the message says what an operator can do, and holds no secret. */
export class BlobStoreError extends Error {
  override readonly name = 'BlobStoreError';
}
