import { backoffDelayMs } from './backoff.ts';
import { errorText } from './error-text.ts';
import type { Log } from './log.ts';
import { type Envelope, NonRetryableError, type SubscribeOptions } from './port.ts';
import type { Outcome, Settlement, Taken } from './sqlite-file.ts';
import { type SubscribeLimits, subscribeLimits } from './limits.ts';

/** What a consumer needs from its bus. */
export interface ConsumerContext {
  readonly log: Log;
  readonly now: () => number;
  readonly settle: (settlement: Settlement) => void;
}

interface UnderWay {
  readonly taken: Taken;
  readonly owner: number;
  readonly controller: AbortController;
  /** `abandoned`: somebody else has the message, its end here is of no account. `interrupted`: a failure after this is not the handler's. */
  fate: 'ours' | 'interrupted' | 'abandoned';
}

/** One subscription: the deliveries under way and how they end. */
export class Consumer {
  readonly queue: string;
  /** False when the queue is known to hold nothing that is due. */
  mayHaveWork = true;
  /** When a waiting message becomes due, as far as this process knows. */
  nextDueAt = Number.POSITIVE_INFINITY;
  isStopped = false;
  readonly #options: SubscribeOptions;
  readonly #context: ConsumerContext;
  readonly #limits: SubscribeLimits;
  readonly #underWay = new Set<UnderWay>();
  #idleWaiters: (() => void)[] = [];

  constructor(options: SubscribeOptions, context: ConsumerContext) {
    this.queue = `${options.service}.${options.type}`;
    this.#limits = subscribeLimits(options);
    this.#options = options;
    this.#context = context;
  }

  get maxAttempts(): number {
    return this.#limits.maxAttempts;
  }

  /** How many more messages it may take now. */
  get free(): number {
    return this.isStopped ? 0 : this.#limits.prefetch - this.#underWay.size;
  }

  get underWay(): number {
    return this.#underWay.size;
  }

  /** Starts the handler for a message taken under `owner`'s lease. */
  deliver(taken: Taken, owner: number): void {
    const delivery: UnderWay = { taken, owner, controller: new AbortController(), fate: 'ours' };
    this.#underWay.add(delivery);
    void this.#handle(delivery);
  }

  /** Resolves when no delivery is under way. */
  idle(): Promise<void> {
    if (this.#underWay.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Tells handlers to stop early; a message whose handler then fails is given back without counting the attempt. */
  interrupt(): void {
    for (const delivery of this.#underWay) {
      if (delivery.fate === 'ours') delivery.fate = 'interrupted';
      delivery.controller.abort(new Error('the bus is closing'));
    }
  }

  /** Tells handlers that their messages are no longer theirs. */
  loseLeases(): void {
    for (const delivery of this.#underWay) {
      delivery.fate = 'abandoned';
      delivery.controller.abort(new Error('the lease was lost'));
    }
  }

  /** Gives back what is still under way, whatever its handler does later. */
  abandon(): Settlement[] {
    const ours = [...this.#underWay].filter((delivery) => delivery.fate !== 'abandoned');
    return ours.map((delivery) => {
      delivery.fate = 'abandoned';
      return this.#settlement(delivery, { kind: 'release' });
    });
  }

  async #handle(delivery: UnderWay): Promise<void> {
    const { taken, controller } = delivery;
    let outcome: Outcome = { kind: 'ack' };
    try {
      const envelope = JSON.parse(taken.envelope) as Envelope;
      await this.#options.handler({ envelope, attempt: taken.attempt, signal: controller.signal });
    } catch (error) {
      outcome = this.#failure(delivery, error);
    }
    this.#underWay.delete(delivery);
    if (delivery.fate !== 'abandoned') this.#context.settle(this.#settlement(delivery, outcome));
    if (this.#underWay.size > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }

  #failure({ taken: { attempt }, fate }: UnderWay, cause: unknown): Outcome {
    if (fate !== 'ours') return { kind: 'release' };
    const { log, now } = this.#context;
    const error = errorText(cause);
    if (cause instanceof NonRetryableError || attempt >= this.maxAttempts) {
      log('error', 'delivery failed for good', { queue: this.queue, attempt, error: cause });
      return { kind: 'dead', at: now(), error };
    }
    const delayMs = backoffDelayMs(attempt, this.#limits);
    log('warn', 'delivery failed, comes again', { queue: this.queue, attempt, delayMs, error: cause });
    return { kind: 'retry', at: now() + delayMs, error };
  }

  #settlement({ taken: { seq, attempt }, owner }: UnderWay, outcome: Outcome): Settlement {
    return { queue: this.queue, seq, attempt, owner, outcome };
  }
}
