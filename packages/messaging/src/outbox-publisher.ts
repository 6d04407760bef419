import type { Collection } from '@kinora/documents';
import type { Outboxed, OutboxOptions } from './outbox.ts';
import type { Envelope } from './port.ts';

type Outboxes = Collection<Outboxed>;

/** An event as it waits in a document. */
export const textOf = (event: Envelope): string => JSON.stringify(event);
const eventOf = (text: string): Envelope => JSON.parse(text) as Envelope;

/** Documents that one step of a sweep reads and publishes together. */
const sweepBatch = 100;

/** Publishes what waits in documents, then clears it there. Every step may happen twice; none is left out. */
export class OutboxPublisher {
  readonly #options: Required<OutboxOptions>;
  readonly #timer: NodeJS.Timeout;
  /** Publishing under way, and the documents written by this process whose last publishing has failed. */
  readonly #underWay = new Map<Promise<void>, string>();
  readonly #failed = new Map<string, { readonly collection: Outboxes; readonly id: string }>();
  #sweeping: Promise<void> | undefined;
  #isStopped = false;

  constructor(options: Required<OutboxOptions>) {
    this.#options = options;
    this.#timer = setInterval(() => this.#sweepSoon(options.sweepMs), options.sweepMs);
    this.#timer.unref();
    this.#sweepSoon(0);
  }

  /** Publishes the events that document `id` holds as `texts`, in the background. */
  publishSoon(collection: Outboxes, id: string, texts: readonly string[]): void {
    this.#track(collection, id, () => this.#publish(collection, id, texts));
  }

  /** Publishes the events of a document marked as removed, then deletes it, in the background. */
  finishSoon(collection: Outboxes, document: Outboxed): void {
    this.#track(collection, document._id, () => this.#finish(collection, document));
  }

  /** See `Outbox`. */
  async flush(): Promise<void> {
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.keys());
    for (const [key, { collection, id }] of this.#failed) {
      const document = await collection.findOne({ _id: id });
      if (document) await this.#finish(collection, document);
      this.#failed.delete(key);
    }
  }

  /** See `Outbox`. */
  async lagSeconds(): Promise<number> {
    const oldest = await Promise.all(
      this.#options.collections.map((collection) => collection.findOne({ outboxAt: { $gt: '' } }, { sort: { outboxAt: 1 } })),
    );
    const now = this.#options.now().getTime();
    return oldest.reduce((lag, document) => (document?.outboxAt ? Math.max(lag, (now - Date.parse(document.outboxAt)) / 1_000) : lag), 0);
  }

  /** See `Outbox`. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    clearInterval(this.#timer);
    await this.#sweeping;
    while (this.#underWay.size > 0) await Promise.all(this.#underWay.keys());
  }

  #track(collection: Outboxes, id: string, work: () => Promise<void>): void {
    const key = keyOf(collection, id);
    const task = work()
      .catch((error: unknown) => {
        this.#failed.set(key, { collection, id });
        this.#options.onError(error);
      })
      .finally(() => this.#underWay.delete(task));
    this.#underWay.set(task, key);
  }

  /** Publishes and clears; deletes the document when it is removed. */
  async #finish(collection: Outboxes, document: Outboxed): Promise<void> {
    const { _id: id, outbox = [], removedAt } = document;
    if (removedAt === undefined) return this.#publish(collection, id, outbox);
    if (outbox.length > 0) await this.#options.bus.publish(outbox.map(eventOf));
    // No write adds events to a removed document, so all that it holds are published.
    await collection.deleteOne({ _id: id, removedAt: { $exists: true } });
  }

  async #publish(collection: Outboxes, id: string, texts: readonly string[]): Promise<void> {
    if (texts.length > 0) await this.#options.bus.publish(texts.map(eventOf));
    const document = await collection.findOneAndUpdate({ _id: id }, { $pull: { outbox: { $in: texts } } });
    const next = document?.outbox?.[0];
    if (document?.outboxAt === undefined || document.removedAt !== undefined) return;
    if (next === undefined) {
      await collection.updateOne({ _id: id, outbox: { $size: 0 } }, { $unset: { outbox: '', outboxAt: '' } });
      return;
    }
    const { time } = eventOf(next);
    if (time > document.outboxAt) await collection.updateOne({ _id: id, outbox: next }, { $set: { outboxAt: time } });
  }

  #sweepSoon(minAgeMs: number): void {
    if (this.#isStopped || this.#sweeping) return;
    this.#sweeping = this.#sweep(minAgeMs)
      .catch((error: unknown) => this.#options.onError(error))
      .finally(() => (this.#sweeping = undefined));
  }

  /** Publishes what has waited for at least `minAgeMs`: younger events are being published by whoever wrote them. Gives up when a whole batch fails. */
  async #sweep(minAgeMs: number): Promise<void> {
    const until = new Date(this.#options.now().getTime() - minAgeMs).toISOString();
    for (const collection of this.#options.collections) {
      let after = '';
      while (!this.#isStopped) {
        const busy = new Set(this.#underWay.values());
        const documents = await collection.find({ outboxAt: { $gt: after, $lte: until } }, { sort: { outboxAt: 1 }, limit: sweepBatch });
        const left = documents.filter((document) => !busy.has(keyOf(collection, document._id)));
        const arePublished = await Promise.all(left.map((document) => this.#sweepOne(collection, document)));
        if (left.length > 0 && !arePublished.includes(true)) break;
        if (documents.length < sweepBatch) break;
        after = documents.at(-1)?.outboxAt ?? until;
      }
    }
  }

  async #sweepOne(collection: Outboxes, document: Outboxed): Promise<boolean> {
    try {
      await this.#finish(collection, document);
      this.#failed.delete(keyOf(collection, document._id));
      return true;
    } catch (error) {
      this.#options.onError(error);
      return false;
    }
  }
}

const keyOf = (collection: Outboxes, id: string): string => `${collection.name} ${id}`;
