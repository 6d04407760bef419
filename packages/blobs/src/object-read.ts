import { addAbortSignal, Readable } from 'node:stream';
import { finished } from 'node:stream/promises';
import { setTimeout as wait } from 'node:timers/promises';
import { attempts, idleMs } from './deadlines.ts';
import type { Fetched, ObjectStore } from './object-store.ts';
import { BlobChangedError, BlobStoreError } from './port.ts';
import type { BlobInfo, BlobReader, ByteRange } from './port.ts';

const streamBufferBytes = 256 * 1024;
const jumpBytes = 8 * 1024 * 1024;
const firstPauseMs = 200;

/** Bytes of one blob from one position on; goes on behind the break when the connection breaks, as long as the blob is the same. */
interface Source {
  readonly store: ObjectStore;
  readonly info: BlobInfo;
  readonly range: ByteRange;
  /** What has been asked for already. */
  readonly body?: Readable;
  /** Ends it at once. */
  readonly signal: AbortSignal;
}

/** What `body` gives; it is cut when it gives nothing for a while, though somebody waits. */
async function* untilIdle(body: Readable): AsyncGenerator<Buffer> {
  let isWaiting = true;
  const onIdle = (): void => void (isWaiting && body.destroy(new Error(`no byte within ${idleMs} ms`)));
  const timer = setTimeout(onIdle, idleMs).unref();
  try {
    for await (const bytes of body as AsyncIterable<Buffer>) {
      isWaiting = false;
      yield bytes;
      isWaiting = true;
      timer.refresh();
    }
  } finally {
    clearTimeout(timer);
  }
}

async function fetchRest({ store, info, range, signal }: Source, start: number): Promise<Readable> {
  const fetched = await store.get(info.key, { range: { start, end: range.end }, etag: info.etag, signal });
  if (!fetched) throw new BlobChangedError(`${info.key} was deleted while it was read`);
  return fetched.body;
}

async function* bytesOf(source: Source): AsyncGenerator<Buffer> {
  const { info, range, signal } = source;
  let { body } = source;
  let position = range.start;
  if (position >= range.end) return void (body && (await finished(body.resume())));
  for (let failures = 0; position < range.end;) {
    body ??= await fetchRest(source, position);
    try {
      for await (const bytes of untilIdle(body)) {
        failures = 0;
        const wanted = bytes.length > range.end - position ? bytes.subarray(0, range.end - position) : bytes;
        position += wanted.length;
        if (wanted.length > 0) yield wanted;
      }
    } catch (error) {
      signal.throwIfAborted();
      if (failures + 1 === attempts) throw new BlobStoreError(`The connection broke while ${info.key} was read`, { cause: error });
    } finally {
      body.destroy();
    }
    if (position === range.end) return;
    body = undefined;
    await wait(firstPauseMs * 2 ** failures++, undefined, { signal });
  }
}

const silence = (): undefined => undefined;

/** `fetched` as a stream that survives broken connections; destroying it frees the connection. `stop` is what the request was made with. */
export function openStream(
  store: ObjectStore,
  { info, body }: Fetched,
  range: ByteRange,
  stop: AbortController,
  signal?: AbortSignal,
): Readable {
  body.on('error', silence);
  const source = bytesOf({ store, info, range, body, signal: stop.signal });
  const stream = new Readable({
    highWaterMark: streamBufferBytes,
    read() {
      source.next().then(
        ({ done, value }) => this.push(done === true ? null : value),
        (error: unknown) => this.destroy(error instanceof Error ? error : new Error(String(error))),
      );
    },
    destroy(error, callback) {
      stop.abort();
      body.destroy();
      source.return(undefined).catch(silence);
      callback(error);
    },
  });
  return signal ? addAbortSignal(signal, stream) : stream;
}

/** Reads on where it was without another request; elsewhere it asks for a stretch. The first request is for the whole blob and is under way. */
export class ObjectReader implements BlobReader {
  readonly info: BlobInfo;
  readonly #store: ObjectStore;
  #stop: AbortController;
  #body: Readable;
  #source: AsyncGenerator<Buffer>;
  #position = 0;
  #end: number;
  #rest: Buffer = Buffer.alloc(0);
  /** Reads take turns: there is one position. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(store: ObjectStore, { info, body }: Fetched, stop: AbortController) {
    this.info = info;
    this.#store = store;
    this.#stop = stop;
    this.#body = body.on('error', silence);
    this.#end = info.bytes;
    this.#source = bytesOf({ store, info, range: { start: 0, end: info.bytes }, body, signal: stop.signal });
  }

  read(target: Uint8Array, position: number): Promise<number> {
    const read = this.#turn.then(() => this.#fill(target, position));
    this.#turn = read.catch(silence);
    return read;
  }

  async #fill(target: Uint8Array, position: number): Promise<number> {
    const wanted = Math.max(0, Math.min(target.length, this.info.bytes - position));
    let filled = 0;
    while (filled < wanted) {
      if (position + filled !== this.#position || this.#position === this.#end) this.#jump(position + filled);
      if (this.#rest.length === 0) {
        const next = await this.#source.next();
        if (next.done === true) throw new BlobStoreError(`${this.info.key} was closed while it was read`);
        this.#rest = next.value;
      }
      const taken = Math.min(this.#rest.length, wanted - filled);
      target.set(this.#rest.subarray(0, taken), filled);
      this.#rest = this.#rest.subarray(taken);
      this.#position += taken;
      filled += taken;
    }
    return filled;
  }

  #jump(position: number): void {
    this.#free();
    this.#stop = new AbortController();
    this.#rest = Buffer.alloc(0);
    this.#position = position;
    this.#end = Math.min(this.info.bytes, position + jumpBytes);
    const range = { start: position, end: this.#end };
    this.#source = bytesOf({ store: this.#store, info: this.info, range, signal: this.#stop.signal });
  }

  #free(): void {
    this.#stop.abort();
    this.#body.destroy();
    this.#source.return(undefined).catch(silence);
  }

  close(): Promise<void> {
    const isRead = this.#position === this.info.bytes && this.#rest.length === 0;
    // A body that comes to its end leaves its connection to the next request.
    if (isRead) this.#source.next().then(() => this.#free(), silence);
    else this.#free();
    return Promise.resolve();
  }
}
