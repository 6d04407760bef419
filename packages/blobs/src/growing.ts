/**
 * Growing blobs: bytes that arrive over hours and through several processes, and are a blob once they are all there.
 * `test/growing-conformance.ts` holds every adapter to this.
 *
 * What an adapter cannot ask its store for, it keeps in a `state`: a short text that the caller stores in a record of its own.
 * The record is the fence: only who may change it may append, and an adapter lets no byte count before `record` has returned.
 */
import type { BlobInfo } from './port.ts';

/** A growing blob as the caller's record knows it. */
export interface GrowingBlob {
  readonly key: string;
  /** Bytes that it has in the end. */
  readonly lengthBytes: number;
  /** What `create` gave, or what was recorded last. */
  readonly state: string;
}

export interface AppendOptions {
  /** True: the bytes count once they are kept, all of them. False: they count as they become durable, whatever happens next. */
  readonly isWhole: boolean;
  /**
   * Stores the state durably if the caller is still the one that may change the blob, else throws: then nothing that was appended since counts,
   * and nothing that this writer still has on its way harms what another one appends.
   */
  readonly record: (state: string) => Promise<void>;
}

/** Bytes on their way to the end of a growing blob. `keep` or `drop` ends it, also after `write` has thrown. */
export interface Appending {
  /** Takes `chunks` in order, at most as many bytes as the blob lacks; resolves when their memory is free again and more may come. @throws {StorageFullError} */
  write(chunks: readonly Buffer[]): Promise<void>;
  /**
   * Makes what was written durable and lets it count. Resolves to the offset.
   * @throws what `write` or `record` threw; then the bytes that became durable before count, unless they were to count whole
   */
  keep(): Promise<number>;
  /** Back to where it began: nothing that was written counts. */
  drop(): Promise<void>;
}

export interface Remains {
  readonly key: string;
  /** False for what is no blob yet, or is left beside one. */
  readonly isBlob: boolean;
}

export interface Growing {
  /** Begins a blob that nothing lies under yet; the caller records the state. @throws {StorageFullError} */
  create(key: string, lengthBytes: number): Promise<string>;
  /**
   * Bytes that count, or undefined when the store no longer has them. With `ask: 'record'` a store that lies elsewhere is not asked:
   * the answer is what the record says.
   */
  offset(blob: GrowingBlob, ask?: 'store' | 'record'): Promise<number | undefined>;
  /** Begins to append at the offset. @throws {BlobNotFoundError} when the bytes before are gone, as `write` and `keep` do */
  append(blob: GrowingBlob, options: AppendOptions): Promise<Appending>;
  /** Shuts out a writer of the past that may live, once its right has been taken away: what it still writes reaches nothing that counts. */
  fence(blob: GrowingBlob): Promise<void>;
  /** Makes a blob of the bytes when all of them are there; again without an effect. @throws {BlobNotFoundError} when they are not */
  finish(blob: GrowingBlob): Promise<BlobInfo>;
  /** Removes what lies under `key`, finished or not; no error when nothing does. */
  remove(key: string): Promise<void>;
  /** Removes what writers that died have left beside the finished blob at `key`. */
  tidy(key: string): Promise<void>;
  /** What has lain below `prefix` since before `beforeMs` (epoch), as far as the store tells; a key may come twice. */
  remains(prefix: string, beforeMs: number): AsyncIterable<Remains>;
}
