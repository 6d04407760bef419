import { randomUUID } from 'node:crypto';
import { inParts } from './body.ts';
import type { ObjectStore } from './object-store.ts';
import type { BlobBody } from './port.ts';

export interface ObjectWrite {
  readonly key: string;
  readonly body: BlobBody;
  readonly ifAbsent: boolean;
  readonly signal: AbortSignal | undefined;
}

export interface Written {
  readonly etag: string;
  readonly bytes: number;
}

/** A body that lies in memory anyway goes in one request up to this. */
const wholeBytes = 64 * 1024 * 1024;
/** Parts of one blob under way at once, so that one body takes at most a part more than this in memory. */
const partsAtOnce = 3;

async function* once(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
  await Promise.resolve();
}

/** Does `write`, and when that fails looks whether the store has done it all the same: its answer may have been lost. */
async function orMarked(store: ObjectStore, key: string, mark: string, write: () => Promise<string>): Promise<string> {
  try {
    return await write();
  } catch (error) {
    const now = await store.marked(key).catch(() => undefined); // the first error says more than that nobody could look
    if (now?.mark !== mark) throw error;
    return now.etag;
  }
}

async function putWhole(store: ObjectStore, { key, ifAbsent }: ObjectWrite, bytes: Uint8Array, signal: AbortSignal): Promise<Written> {
  const mark = ifAbsent ? randomUUID() : undefined;
  const put = (): Promise<string> => store.put(key, bytes, { ifAbsent, signal, ...(mark !== undefined && { mark }) });
  return { etag: mark === undefined ? await put() : await orMarked(store, key, mark, put), bytes: bytes.length };
}

async function putParts(
  store: ObjectStore,
  { key, ifAbsent }: ObjectWrite,
  parts: AsyncIterable<Uint8Array>,
  stop: AbortController,
): Promise<Written> {
  const { signal } = stop;
  const mark = randomUUID();
  const upload = await store.beginParts(key, mark, signal);
  const underWay = new Set<Promise<void>>();
  let bytes = 0;
  let number = 0;
  try {
    for await (const part of parts) {
      bytes += part.length;
      const sent = upload.put(++number, part, signal).finally(() => underWay.delete(sent));
      // Ends the wait for a slow body, too.
      sent.catch((error: unknown) => stop.abort(error));
      underWay.add(sent);
      if (underWay.size >= partsAtOnce) await Promise.race(underWay);
    }
    await Promise.all(underWay);
    return { etag: await orMarked(store, key, mark, () => upload.complete({ ifAbsent, signal })), bytes };
  } catch (error) {
    stop.abort(error);
    // A part that arrives after the end would stay.
    await Promise.allSettled(underWay);
    await upload.abort().catch(() => undefined); // what stays is the store's to expire; the error of the write is the one to tell
    throw error;
  }
}

/** Stores a body of any length with bounded memory: in one request when it is small, else in parts that become one blob at the end. Nothing stays after an error. */
export async function writeObject(store: ObjectStore, write: ObjectWrite): Promise<Written> {
  const { body, signal } = write;
  signal?.throwIfAborted();
  const stop = new AbortController();
  const onAbort = (): void => stop.abort(signal?.reason);
  signal?.addEventListener('abort', onAbort, { once: true });
  const parts = inParts(body instanceof Uint8Array ? once(body) : body, store.partBytes, stop.signal);
  try {
    if (body instanceof Uint8Array && body.length <= wholeBytes) return await putWhole(store, write, body, stop.signal);
    const first = await parts.next();
    if (first.done === true) return await putWhole(store, write, new Uint8Array(), stop.signal);
    if (first.value.length < store.partBytes(1)) return await putWhole(store, write, first.value, stop.signal);
    return await putParts(store, write, withFirst(first.value, parts), stop);
  } catch (error) {
    signal?.throwIfAborted();
    throw error;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await parts.return(undefined);
  }
}

async function* withFirst(first: Uint8Array, rest: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  yield first;
  yield* rest;
}
