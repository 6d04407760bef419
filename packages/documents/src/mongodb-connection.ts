/** The connection of one service to MongoDB: made when it is first needed, every call with a deadline. */
import type { Db, MongoClient } from 'mongodb';
import type { MongodbAddress } from './mongodb-address.ts';
import { connectionError, driverReason, isLost } from './mongodb-errors.ts';
import { DocumentStoreError } from './port.ts';

const PING_MS = 2_000;
const CLOSE_MS = 5_000;
/** For a majority of the replica set to have a write in its journal. */
const WRITE_CONCERN = { w: 'majority', journal: true, wtimeoutMS: 10_000 } as const;

/** An open connection; the driver is loaded with it, so that an embedded installation never does. */
export interface Opened {
  readonly client: MongoClient;
  readonly db: Db;
  /** Bytes that a document takes. */
  readonly sizeOf: (document: object) => number;
}

export class MongodbConnection {
  readonly #address: MongodbAddress;
  readonly #service: string;
  readonly #underWay = new Set<Promise<unknown>>();
  #opened: Opened | undefined;
  #opening: Promise<Opened> | undefined;
  #isClosed = false;

  constructor(address: MongodbAddress, service: string) {
    this.#address = address;
    this.#service = service;
  }

  /** How long the server may work on an answer. */
  get answerMs(): number {
    return this.#address.answerMs;
  }

  /** Runs `work` with the connection, made if there is none; rejects after `ms`, or with the signal's reason. */
  async call<R>(
    work: (opened: Opened) => Promise<R>,
    options: { readonly ms?: number; readonly signal?: AbortSignal | undefined } = {},
  ): Promise<R> {
    const opened = this.#opened ?? (await this.#open());
    if (this.#isClosed) throw closed();
    const { ms = this.#address.callMs, signal } = options;
    const answer = work(opened);
    this.#underWay.add(answer);
    // Also of an answer that nobody waits for any more.
    answer.catch((error: unknown) => this.#doubt(opened, error));
    try {
      return await within(ms, answer, `MongoDB has not answered within ${ms} ms`, signal);
    } catch (error) {
      if (ms === this.#address.callMs) this.#doubt(opened, error);
      throw connectionError(error);
    } finally {
      this.#underWay.delete(answer);
    }
  }

  /**
   * Leaves a client that finds no server or gives no answer: the next call makes another.
   * A driver whose monitor writes to a socket that is being closed waits for ever for it to drain, and never looks for the server again
   * (mongodb 7.9, src/cmap/connection.ts, writeCommand).
   */
  #doubt(opened: Opened, error: unknown): void {
    if (this.#opened !== opened || !isLost(error)) return;
    this.#opened = undefined;
    void opened.client.close().catch(() => undefined);
  }

  /** Throws when no server answers soon, or within `limitMs`. */
  async ping(limitMs = PING_MS): Promise<void> {
    await this.call(({ db }) => db.command({ ping: 1 }), { ms: Math.min(limitMs, this.#address.callMs) });
  }

  #open(): Promise<Opened> {
    if (this.#isClosed) return Promise.reject(closed());
    this.#opening ??= this.#connect().finally(() => (this.#opening = undefined));
    return this.#opening;
  }

  async #connect(): Promise<Opened> {
    const driver = await import('mongodb');
    const { url, defaults, database, hosts, selectionMs } = this.#address;
    const client = this.#reported(
      () =>
        new driver.MongoClient(url, {
          appName: `kinora-${this.#service}`,
          ...defaults,
          writeConcern: WRITE_CONCERN,
          ignoreUndefined: false,
        }),
    );
    try {
      // Selecting a server takes its time, a login has its own on top.
      await within(selectionMs + PING_MS, client.connect(), `no MongoDB server answers at ${hosts} within ${selectionMs} ms`);
    } catch (error) {
      await client.close().catch(() => undefined);
      throw new DocumentStoreError(`documents cannot be reached: ${driverReason(error, hosts)}`, { cause: error });
    }
    const sizeOf = driver.BSON.calculateObjectSize;
    return (this.#opened = { client, db: client.db(database), sizeOf });
  }

  /** What the driver says of the URL may repeat it, password and all. */
  #reported<R>(construct: () => R): R {
    try {
      return construct();
    } catch (error) {
      const reason = error instanceof Error ? this.#address.withoutPassword(error.message) : undefined;
      throw new TypeError(`DOCUMENTS_URL cannot be used: ${reason ?? 'MongoDB does not take it'}`);
    }
  }

  /** Waits for the calls under way and closes. A second call does nothing. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    await this.#opening?.catch(() => undefined);
    await Promise.allSettled(this.#underWay);
    if (this.#opened) await within(CLOSE_MS, this.#opened.client.close(), 'MongoDB does not let go').catch(() => undefined);
  }
}

function closed(): Error {
  return new Error('the documents are closed');
}

/** Settles as `work` does, or rejects when `ms` have passed or the signal is aborted; what the server does meanwhile is not undone. */
async function within<R>(ms: number, work: Promise<R>, sentence: string, signal?: AbortSignal): Promise<R> {
  let timer: NodeJS.Timeout | undefined;
  let abort = (): void => undefined;
  const ended = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new DocumentStoreError(sentence)), ms);
    abort = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', abort);
  });
  try {
    return await Promise.race([work, ended]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}
