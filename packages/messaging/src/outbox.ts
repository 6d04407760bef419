/** A write and its events as one single-document update (docs/decisions/0003). */
import type { Collection, Filter, Identified, Update } from '@kinora/documents';
import { OutboxPublisher, textOf } from './outbox-publisher.ts';
import type { Bus, Envelope } from './port.ts';

/** What a document needs so that the outbox can work in it. Declare `outboxIndex` on its collection. */
export interface Outboxed extends Identified {
  /** Grows with each `change`; starts at 0. */
  readonly version: number;
  /** Events written with the document and not yet confirmed by the bus: envelopes as JSON text, which is nothing but a value to a database. */
  readonly outbox?: readonly string[];
  /** When the oldest of them was written; absent when there is none. */
  readonly outboxAt?: string;
  /** Set by `remove`: the document goes once its events are confirmed. Queries for people leave it out. */
  readonly removedAt?: string;
}

/** What the sweeper searches by. */
export const outboxIndex = { keys: { outboxAt: 1 }, sparse: true } as const;

export interface Change {
  /** May not touch `version`, `outbox`, `outboxAt` or `removedAt`. */
  readonly update: Update;
  readonly events?: readonly Envelope[];
}

/** Writes return once the document holds the events; publishing follows at once in the background and is made good by the sweeper. */
export interface Outbox {
  /** Inserts `document` with its events. @throws {DuplicateKeyError} */
  insert<T extends Outboxed>(collection: Collection<T>, document: T, events: readonly Envelope[]): Promise<void>;
  /**
   * Reads the document, asks `decide` for the change, writes both at once if nobody else changed it meanwhile, else asks again.
   * Returns the document afterwards; the unchanged one when `decide` returns undefined; undefined when there is none (or it is removed).
   */
  change<T extends Outboxed>(collection: Collection<T>, id: string, decide: (document: T) => Change | undefined): Promise<T | undefined>;
  /** Marks the document removed with its events, publishes them, then deletes it. Returns it as marked, or undefined when there is none. */
  remove<T extends Outboxed>(collection: Collection<T>, id: string, events: (document: T) => readonly Envelope[]): Promise<T | undefined>;
  /** Resolves when everything written by this process so far is published, or throws what the bus threw. */
  flush(): Promise<void>;
  /** Seconds that the oldest unpublished event has waited; 0 when there is none. */
  lagSeconds(): Promise<number>;
  /** Stops the sweeper and waits for publishing under way. */
  stop(): Promise<void>;
}

export interface OutboxOptions {
  readonly bus: Bus;
  /** Every collection that is written through the outbox: the sweeper looks through them at start and every `sweepMs` (default 5 000). */
  readonly collections: readonly Collection<Outboxed>[];
  readonly sweepMs?: number;
  readonly now?: () => Date;
  /** Told of what could not be published or cleared; it is tried again with the next sweep. */
  readonly onError?: (error: unknown) => void;
}

/** Opens the outbox of one service and starts its sweeper; several processes may have one on the same collections. */
export function openOutbox(options: OutboxOptions): Outbox {
  const { bus, collections, sweepMs = 5_000, now = () => new Date(), onError = () => undefined } = options;
  const publisher = new OutboxPublisher({ bus, collections, sweepMs, now, onError });
  const turns = new Turns();
  return {
    async insert(collection, document, events) {
      const texts = events.map(textOf);
      await collection.insertOne(texts.length === 0 ? document : { ...document, outbox: texts, outboxAt: now().toISOString() });
      if (texts.length > 0) publisher.publishSoon(collection, document._id, texts);
    },
    change: (collection, id, decide) =>
      turns.take(`${collection.name} ${id}`, async () => {
        const { document, texts } = await changeOne(collection, id, decide, now);
        if (texts.length > 0) publisher.publishSoon(collection, id, texts);
        return document;
      }),
    remove: <T extends Outboxed>(collection: Collection<T>, id: string, decideEvents: (document: T) => readonly Envelope[]) =>
      turns.take(`${collection.name} ${id}`, async () => {
        const removedAt = now().toISOString();
        const decide = (document: T) => ({ update: {}, events: decideEvents(document) });
        const { document } = await changeOne(collection, id, decide, now, { $set: { removedAt }, $min: { outboxAt: removedAt } });
        if (document) publisher.finishSoon(collection, document);
        return document;
      }),
    flush: () => publisher.flush(),
    lagSeconds: () => publisher.lagSeconds(),
    stop: () => publisher.stop(),
  };
}

const ownPaths = /^(version|outbox|outboxAt|removedAt)(\.|$)/;

/** The optimistic loop: some writer succeeds in each round, so it ends. */
async function changeOne<T extends Outboxed>(
  collection: Collection<T>,
  id: string,
  decide: (document: T) => Change | undefined,
  now: () => Date,
  mark: Update = {},
): Promise<{ document: T | undefined; texts: readonly string[] }> {
  for (;;) {
    const before = await collection.findOne({ _id: id, removedAt: { $exists: false } });
    const change = before && decide(before);
    if (!before || !change) return { document: before, texts: [] };
    const { update, events = [] } = change;
    const texts = events.map(textOf);
    const filter: Filter = { _id: id, version: before.version, removedAt: { $exists: false } };
    const document = await collection.findOneAndUpdate(filter, withOutbox(update, texts, now().toISOString(), mark));
    if (document) return { document, texts };
  }
}

/** `update` together with what the outbox keeps. */
function withOutbox(update: Update, texts: readonly string[], at: string, mark: Update): Update {
  for (const paths of Object.values(update)) {
    const taken = Object.keys(paths as object).find((path) => ownPaths.test(path));
    if (taken !== undefined) throw new TypeError(`a change may not touch ${taken}, which belongs to the outbox`);
  }
  const wait = texts.length === 0 ? {} : { $push: { outbox: { $each: texts } }, $min: { outboxAt: at } };
  return [{ $inc: { version: 1 } }, wait, mark].reduce((all: Update, more: Update) => merge(all, more), update);
}

function merge(first: Update, second: Update): Update {
  const merged: Record<string, object> = { ...first };
  for (const [operator, paths] of Object.entries(second)) merged[operator] = { ...merged[operator], ...(paths as object) };
  return merged;
}

/** Lets callers of the same key go one after the other, so that writers in one process do not make each other try again. */
class Turns {
  readonly #last = new Map<string, Promise<unknown>>();

  async take<T>(key: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(key);
    const turn = before ? before.then(work, work) : work();
    this.#last.set(key, turn);
    try {
      return await turn;
    } finally {
      if (this.#last.get(key) === turn) this.#last.delete(key);
    }
  }
}
