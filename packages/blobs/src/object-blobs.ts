import { Readable } from 'node:stream';
import type { Growing } from './growing.ts';
import { checkFolder, checkKey, checkPrefix, isKey } from './key.ts';
import { ObjectReader, openStream } from './object-read.ts';
import type { Fetched, ObjectStore } from './object-store.ts';
import { writeObject } from './object-write.ts';
import { BlobNotFoundError } from './port.ts';
import type { BlobBody, BlobInfo, BlobReader, Blobs, ByteRange, StoredBlob } from './port.ts';

const missing = (key: string): BlobNotFoundError => new BlobNotFoundError(`There is no blob ${key}`);

class ObjectBlobs implements Blobs {
  readonly directory = undefined;
  readonly growing: Growing;
  readonly #store: ObjectStore;

  constructor(store: ObjectStore, growing: Growing) {
    this.growing = growing;
    this.#store = store;
  }

  async put(
    key: string,
    body: BlobBody,
    { ifAbsent = false, signal }: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<StoredBlob> {
    checkKey(key);
    const { etag, bytes } = await writeObject(this.#store, { key, body, ifAbsent, signal });
    return { key, bytes, etag };
  }

  async stat(key: string): Promise<BlobInfo | undefined> {
    return this.#store.stat(checkKey(key));
  }

  async open(key: string): Promise<BlobReader | undefined> {
    const stop = new AbortController();
    const fetched = await this.#store.get(checkKey(key), { signal: stop.signal });
    return fetched && new ObjectReader(this.#store, fetched, stop);
  }

  async stream(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable> {
    checkKey(key);
    if (range && !(range.start >= 0 && range.end >= range.start)) throw new RangeError(`Not a byte range: ${range.start}–${range.end}`);
    signal?.throwIfAborted();
    if (range && range.start === range.end) {
      if (!(await this.#store.stat(key))) throw missing(key);
      return Readable.from([]);
    }
    const stop = new AbortController();
    const fetched = await this.#fetch(key, range, signal ? AbortSignal.any([signal, stop.signal]) : stop.signal);
    const end = Math.min(range?.end ?? fetched.info.bytes, fetched.info.bytes);
    return openStream(this.#store, fetched, { start: Math.min(range?.start ?? 0, end), end }, stop, signal);
  }

  async #fetch(key: string, range: ByteRange | undefined, signal: AbortSignal): Promise<Fetched> {
    const fetched = await this.#store.get(key, { signal, ...(range && { range }) });
    if (!fetched) throw missing(key);
    return fetched;
  }

  async read(key: string): Promise<Buffer> {
    const parts: Buffer[] = [];
    for await (const bytes of await this.stream(key)) parts.push(bytes as Buffer);
    return Buffer.concat(parts);
  }

  async *list(
    prefix: string,
    { after = '', signal }: { readonly after?: string; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<BlobInfo> {
    checkPrefix(prefix);
    signal?.throwIfAborted();
    if (after > prefix && !after.startsWith(prefix)) return;
    for await (const page of this.#store.list(prefix, after.startsWith(prefix) ? after : '', signal))
      for (const info of page) if (isKey(info.key) && info.key > after) yield info;
  }

  async delete(key: string): Promise<void> {
    await this.#store.delete([checkKey(key)]);
  }

  async deletePrefix(prefix: string): Promise<number> {
    checkFolder(prefix);
    let count = 0;
    for await (const page of this.#store.list(prefix, '', undefined)) {
      const keys = page.map(({ key }) => key).filter(isKey);
      if (keys.length > 0) await this.#store.delete(keys);
      count += keys.length;
    }
    return count;
  }

  async locate(key: string): Promise<string> {
    if (!(await this.#store.stat(checkKey(key)))) throw missing(key);
    return this.#store.sign(key);
  }

  ready(): Promise<void> {
    return this.#store.ready();
  }

  ping(): Promise<void> {
    return this.#store.ping();
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

/** The Blobs port over a store of whole objects. */
export const openObjectBlobs = (store: ObjectStore, growing: Growing): Blobs => new ObjectBlobs(store, growing);
