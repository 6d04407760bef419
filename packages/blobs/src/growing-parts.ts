/**
 * Growing blobs in a store that makes a blob of parts at the end (S3 multipart uploads, Azure blocks).
 *
 * Bytes are gathered in memory until they fill a part. Those that do not when a body ends become a piece, an object of their own with a hidden
 * name, which the next writer puts before what it gets; so whatever counts is stored, and nothing is removed before what takes its place is recorded.
 * Where parts are larger than what may be held in memory, pieces are stored until they fill a part, which is then made of them.
 *
 * Writers are told apart by numbers and names that are used once: a number is recorded as taken before its part is sent. What a writer of the
 * past still sends is therefore a part or a piece that no record names.
 */
import type { AppendOptions, Appending, Growing, GrowingBlob, Remains } from './growing.ts';
import { PartsAppending } from './growing-append.ts';
import { newState, numbersOf, offsetOf, partBytesFor, pieceBytes, readState, writeState, type PartLimits } from './growing-state.ts';
import { checkKey } from './key.ts';
import type { ObjectStore } from './object-store.ts';
import { BlobNotFoundError, type BlobInfo } from './port.ts';

/** A part's place. */
export interface PartPlace {
  readonly key: string;
  readonly upload: string;
  readonly number: number;
}

/** What a store has to do beside `ObjectStore`. Keys are valid; errors are those of the port. */
export interface PartStore {
  readonly limits: PartLimits;
  /** Numbers are from 1 to this. */
  readonly maxNumber: number;
  /** Begins to take parts for `key`; returns the name of that. */
  begin(key: string): Promise<string>;
  /** Stores a part; `body` may be asked for again when a request fails. @throws {BlobNotFoundError} when the upload is gone. @throws {StorageFullError} */
  putPart(place: PartPlace, bytes: number, body: Uint8Array | (() => AsyncIterable<Uint8Array>)): Promise<void>;
  /** False when the part, or all of the upload, is gone. */
  hasPart(place: PartPlace): Promise<boolean>;
  /** Makes the blob of these parts, all at once. @throws {BlobNotFoundError} when the upload or a part is gone, or they do not have `lengthBytes` in all */
  complete(key: string, upload: string, numbers: readonly number[], lengthBytes: number): Promise<void>;
  /** Removes parts that never became a blob. */
  abandon(key: string): Promise<void>;
  /** Keys below `prefix` for which parts were begun before `beforeMs`, as far as the store tells. */
  begun(prefix: string, beforeMs: number): AsyncIterable<string>;
}

/** Below this prefix lie pieces: no key, so that no list shows them. */
const hidden = '.growing/';
export const pieceName = (key: string, name: string): string => `${hidden}${key}/${name}`;

class PartsGrowing implements Growing {
  readonly #objects: ObjectStore;
  readonly #parts: PartStore;

  constructor(objects: ObjectStore, parts: PartStore) {
    this.#objects = objects;
    this.#parts = parts;
  }

  async create(key: string, lengthBytes: number): Promise<string> {
    const upload = lengthBytes === 0 ? '' : await this.#parts.begin(checkKey(key));
    return writeState(newState(upload, partBytesFor(lengthBytes, this.#parts.limits)));
  }

  async offset({ key, lengthBytes, state: text }: GrowingBlob, ask: 'store' | 'record' = 'store'): Promise<number | undefined> {
    if (text === '') return undefined;
    const state = readState(text);
    const offset = offsetOf(state);
    const number = [...numbersOf(state)].at(-1);
    if (ask === 'record' || number === undefined || (await this.#parts.hasPart({ key, upload: state.upload, number }))) return offset;
    return (await this.#objects.stat(key))?.bytes === lengthBytes ? lengthBytes : undefined;
  }

  async append(blob: GrowingBlob, options: AppendOptions): Promise<Appending> {
    const appending = new PartsAppending(this.#objects, this.#parts, blob, options);
    await appending.begin();
    return appending;
  }

  /** No writer of the past reaches anything: see the top of this file. */
  async fence(): Promise<void> {}

  async finish({ key, lengthBytes, state: text }: GrowingBlob): Promise<BlobInfo> {
    const state = readState(text);
    if (offsetOf(state) !== lengthBytes || pieceBytes(state) > 0) throw new BlobNotFoundError(`${key} lacks bytes`);
    await this.#complete(key, state.upload, [...numbersOf(state)], lengthBytes);
    await this.tidy(key);
    const info = await this.#objects.stat(key);
    if (info?.bytes !== lengthBytes) throw new BlobNotFoundError(`The bytes of ${key} are gone`);
    return info;
  }

  async #complete(key: string, upload: string, numbers: readonly number[], lengthBytes: number): Promise<void> {
    if (numbers.length === 0) {
      await this.#objects.put(key, new Uint8Array(), { ifAbsent: false, signal: new AbortController().signal });
      return;
    }
    try {
      await this.#parts.complete(key, upload, numbers, lengthBytes);
    } catch (error) {
      // Completed before, by somebody whose answer or process was lost.
      if (!(error instanceof BlobNotFoundError) || (await this.#objects.stat(key))?.bytes !== lengthBytes) throw error;
    }
  }

  async remove(key: string): Promise<void> {
    await this.#parts.abandon(checkKey(key));
    await this.tidy(key);
    await this.#objects.delete([key]);
  }

  async tidy(key: string): Promise<void> {
    for await (const page of this.#objects.list(pieceName(checkKey(key), ''), '', undefined))
      if (page.length > 0) await this.#objects.delete(page.map((piece) => piece.key));
  }

  async *remains(prefix: string, beforeMs: number): AsyncIterable<Remains> {
    for await (const key of this.#parts.begun(prefix, beforeMs)) yield { key, isBlob: false };
    for (const above of [hidden, ''])
      for await (const page of this.#objects.list(above + prefix, '', undefined))
        for (const { key, modifiedAt } of page)
          if (Date.parse(modifiedAt) < beforeMs)
            yield above === '' ? { key, isBlob: true } : { key: key.slice(above.length, key.lastIndexOf('/')), isBlob: false };
  }
}

/** Growing blobs in `objects`, whose parts go to `parts`. */
export const openPartsGrowing = (objects: ObjectStore, parts: PartStore): Growing => new PartsGrowing(objects, parts);
