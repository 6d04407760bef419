import type { Readable } from 'node:stream';
import type { BlobInfo, ByteRange } from './port.ts';

/** Bytes on their way. */
export interface Fetched {
  /** Of the whole blob. */
  readonly info: BlobInfo;
  /** May break at any byte; its taker reads or destroys it. */
  readonly body: Readable;
}

export interface FetchOptions {
  /** Not empty. Default: all. */
  readonly range?: ByteRange;
  /** Only while the blob has this one. */
  readonly etag?: string;
  readonly signal: AbortSignal;
}

export interface WriteOptions {
  /** @throws {BlobExistsError} when the key is taken */
  readonly ifAbsent: boolean;
  /** Kept with the blob, so that a writer whose answer was lost knows its own work again. */
  readonly mark?: string;
  readonly signal: AbortSignal;
}

/** A blob that is stored in parts; nothing is visible before `complete`. */
export interface PartialUpload {
  /** Stores part `number` (from 1 on), in any order, several at once. */
  put(number: number, bytes: Uint8Array, signal: AbortSignal): Promise<void>;
  /** Makes the blob of all parts; returns its ETag. */
  complete(options: Omit<WriteOptions, 'mark'>): Promise<string>;
  /** Removes what is stored, as far as the store lets us. */
  abort(): Promise<void>;
}

/**
 * What a store of whole objects has to do for `object-blobs.ts` to make the Blobs port of it. Keys are valid, and those of the port.
 * Requests have deadlines and are tried again where that may help. Errors are those of the port; ETags are without quotes.
 */
export interface ObjectStore {
  /** Undefined when absent. @throws {BlobChangedError} when it has another ETag than asked for */
  get(key: string, options: FetchOptions): Promise<Fetched | undefined>;
  stat(key: string): Promise<BlobInfo | undefined>;
  /** ETag and mark of the blob that is at `key` now. */
  marked(key: string): Promise<{ readonly etag: string; readonly mark: string | undefined } | undefined>;
  /** Stores a blob whole; returns its ETag. */
  put(key: string, bytes: Uint8Array, options: WriteOptions): Promise<string>;
  beginParts(key: string, mark: string, signal: AbortSignal): Promise<PartialUpload>;
  /** Bytes of part `number`, from 1 on; the last one may have fewer. */
  readonly partBytes: (number: number) => number;
  /** Pages of blobs in key order whose key begins with `prefix` and comes after `after`. */
  list(prefix: string, after: string, signal: AbortSignal | undefined): AsyncIterable<readonly BlobInfo[]>;
  /** No error for keys that are absent. */
  delete(keys: readonly string[]): Promise<void>;
  /** Address of a blob that lets whoever has it read it, for `locatedSeconds`. */
  sign(key: string): Promise<string>;
  /** Resolves when keys below the prefix can be listed. */
  ready(): Promise<void>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** How long a located blob can be read: six days, for both kinds of store allow seven at most, and the clocks need not agree. */
export const locatedSeconds = 6 * 24 * 3600;
