import { isWithin } from './deadline.ts';
import { outlivedText } from './error-text.ts';
import type { Log } from './log.ts';
import type { Consumer } from './sqlite-consumer.ts';
import type { QueueFile, Settlement, Taken } from './sqlite-file.ts';
import type { Lease } from './sqlite-lease.ts';

/** What handlers get after their signals have aborted. */
const afterAbortMs = 1_000;

/** A message taken from the file and the consumer it goes to once that is committed. */
export interface Delivered {
  readonly consumer: Consumer;
  readonly taken: Taken;
}

/** What the consumers of one bus share. */
export interface ConsumersContext {
  readonly file: QueueFile;
  readonly lease: Lease;
  readonly log: Log;
  readonly now: () => number;
}

/** The consumers of one bus: which of them may have work, what they take, and how they end together. */
export class Consumers {
  readonly #context: ConsumersContext;
  readonly #consumers = new Set<Consumer>();

  constructor(context: ConsumersContext) {
    this.#context = context;
  }

  get size(): number {
    return this.#consumers.size;
  }

  get hasUnderWay(): boolean {
    for (const consumer of this.#consumers) if (consumer.underWay > 0) return true;
    return false;
  }

  add(consumer: Consumer): void {
    this.#consumers.add(consumer);
  }

  delete(consumer: Consumer): void {
    this.#consumers.delete(consumer);
  }

  /** Those that can take something now, as far as is known. */
  hungry(): Consumer[] {
    return [...this.#consumers].filter((consumer) => consumer.mayHaveWork && consumer.free > 0);
  }

  /** Notes that `queue` has a message due at `at`. */
  wake(queue: string, at: number): void {
    const isDue = at <= this.#context.now();
    for (const consumer of this.#consumers) {
      if (consumer.queue !== queue) continue;
      if (isDue) consumer.mayHaveWork = true;
      else consumer.nextDueAt = Math.min(consumer.nextDueAt, at);
    }
  }

  /** Notes that every queue may have something. */
  wakeAll(): void {
    for (const consumer of this.#consumers) consumer.mayHaveWork = true;
  }

  /** Asks the file what is due in queues thought to be empty, without the write lock. */
  readDue(): void {
    for (const consumer of this.#consumers) {
      const dueAt = consumer.mayHaveWork ? undefined : this.#context.file.nextDueAt(consumer.queue);
      if (dueAt !== undefined) consumer.nextDueAt = dueAt;
    }
  }

  /** Notes which queues have had a message come due by `now`. */
  wakeDue(now: number): void {
    for (const consumer of this.#consumers) {
      if (consumer.nextDueAt > now) continue;
      consumer.nextDueAt = Number.POSITIVE_INFINITY;
      consumer.mayHaveWork = true;
    }
  }

  /** Takes, within a transaction, up to the free prefetch; what has used up its deliveries because its consumers died goes to the dead letters. */
  take(consumer: Consumer): Delivered[] {
    const { file, lease, now } = this.#context;
    const { queue, free, maxAttempts } = consumer;
    if (free <= 0) return [];
    const taken = file.take(queue, lease.owner, now(), free);
    if (taken.length < free) {
      consumer.mayHaveWork = false;
      consumer.nextDueAt = file.nextDueAt(queue) ?? Number.POSITIVE_INFINITY;
    }
    return taken.flatMap((message) => {
      if (message.attempt <= maxAttempts) return [{ consumer, taken: message }];
      this.#bury(queue, message);
      return [];
    });
  }

  #bury(queue: string, { seq, attempt, error: earlier }: Taken): void {
    const { file, lease, log, now } = this.#context;
    const outcome = { kind: 'dead', at: now(), error: outlivedText(attempt - 1, earlier) } as const;
    file.settle({ queue, seq, attempt, owner: lease.owner, outcome });
    log('error', 'message outlived its consumers', { queue, attempt: attempt - 1 });
  }

  /** Tells every handler that its message is no longer its own. */
  loseLeases(): void {
    if (!this.hasUnderWay) return;
    this.#context.log('warn', 'lease was lost, its messages are delivered again', {});
    for (const consumer of this.#consumers) consumer.loseLeases();
  }

  /** Stops all, waits for handlers at most `graceMs`, aborts their signals, and returns how to give back what is still under way. */
  async end(graceMs: number): Promise<Settlement[]> {
    const consumers = [...this.#consumers];
    for (const consumer of consumers) consumer.isStopped = true;
    const idle = Promise.all(consumers.map((consumer) => consumer.idle()));
    if (!(await isWithin(graceMs, idle))) {
      for (const consumer of consumers) consumer.interrupt();
      await isWithin(afterAbortMs, idle);
    }
    return consumers.flatMap((consumer) => consumer.abandon());
  }
}
