/**
 * One subscription. A failed delivery is published again, to the delay chain or the dead letters, and acknowledged once the broker has confirmed the copy.
 *
 * A handler runs on when its channel is lost. When the message then comes again to this process, it is held for the handler at work, or
 * acknowledged if that has finished meanwhile; only when it comes to another replica first is it begun twice.
 *
 * Brokers take back what is under way for half an hour (`consumer_timeout`). So a delivery under way for ten minutes is moved, again and again, to a
 * queue that this process alone consumes; when the process ends, what is there goes back to the subscription's queue (see `heldQueueOptions`).
 */
import type { Channel, ChannelModel } from 'amqplib';
import { backoffDelayMs } from './backoff.ts';
import { isWithin, pause } from './deadline.ts';
import { errorText, outlivedText } from './error-text.ts';
import type { Log } from './log.ts';
import { aside, backAgain, type Copy, dead, laterAgain, parcelOf } from './rabbitmq-copy.ts';
import { Intake } from './rabbitmq-intake.ts';
import { envelopeOf, notesOf } from './rabbitmq-message.ts';
import type { Publisher } from './rabbitmq-publisher.ts';
import { acknowledge, Finished, type Holder, type Receipt, type Run } from './rabbitmq-run.ts';
import { type Envelope, NonRetryableError, type SubscribeOptions } from './port.ts';
import { type SubscribeLimits, subscribeLimits } from './limits.ts';

export interface ConsumerContext {
  readonly publisher: Publisher;
  readonly log: Log;
  /** How long a delivery is under way before it is moved aside, and then again. */
  readonly asideMs: number;
}

/** Wait before a copy that could not be published is tried again. */
const copyAgainMs = 1_000;
/** A copy that has not come back from the queue of what is held by then has gone back to the subscription's queue. */
const moveMs = 15_000;

export class RabbitConsumer {
  readonly queue: string;
  readonly #options: SubscribeOptions;
  readonly #limits: SubscribeLimits;
  readonly #context: ConsumerContext;
  readonly #intake: Intake;
  readonly #runs = new Set<Run>();
  /** Deliveries that no handler gets: given back or put into the dead letters. */
  readonly #strays = new Set<Holder>();
  readonly #finished = new Finished();
  readonly #timer: NodeJS.Timeout;
  #arranging: Promise<void> | undefined;
  #isStopped = false;
  #idleWaiters: (() => void)[] = [];

  constructor(options: SubscribeOptions, context: ConsumerContext) {
    const { publisher, log, asideMs } = context;
    this.queue = `${options.service}.${options.type}`;
    this.#options = options;
    this.#limits = subscribeLimits(options);
    this.#context = context;
    this.#intake = new Intake({
      queue: this.queue,
      prefetch: this.#limits.prefetch,
      free: () => this.#free(),
      log,
      onReceipt: (receipt) => this.#receive(receipt),
      onLost: (channel) => this.#lose(channel),
      declare: () => publisher.declare(),
    });
    this.#timer = setInterval(() => this.#moveOldAside(), asideMs / 4).unref();
  }

  /** Begins to take deliveries on a new connection. */
  connect(model: ChannelModel): void {
    if (!this.#isStopped) this.#intake.connect(model);
  }

  /** Deliveries under way that the broker knows to be here. */
  get underWay(): number {
    return [...this.#runs].filter(({ receipts }) => receipts.length > 0).length;
  }

  /** Takes no more; resolves when the broker knows. */
  async cancel(): Promise<void> {
    this.#isStopped = true;
    await this.#intake.cancel();
  }

  /** Resolves when nothing is under way. */
  idle(): Promise<void> {
    if (this.#runs.size + this.#strays.size === 0) return Promise.resolve();
    return new Promise((resolve) => this.#idleWaiters.push(resolve));
  }

  /** Tells handlers to stop early; a message whose handler then fails is given back without counting the attempt. */
  interrupt(): void {
    for (const run of this.#runs) {
      if (run.fate === 'ours') run.fate = 'interrupted';
      run.controller.abort(new Error('the bus is closing'));
    }
  }

  /** Gives back what is still under way, whatever its handler does later, and closes the channel. */
  async end(): Promise<void> {
    clearInterval(this.#timer);
    const holders: readonly Holder[] = [...this.#runs, ...this.#strays];
    for (const holder of holders) holder.fate = 'abandoned';
    await Promise.all([...this.#runs].map((run) => this.#release(run)));
    await this.#intake.close(holders.every(({ receipts }) => receipts.length === 0));
  }

  async #release(run: Run): Promise<void> {
    const [receipt] = run.receipts;
    if (!receipt) return;
    try {
      await this.#context.publisher.send([parcelOf(receipt, backAgain(this.queue, run.attempt))]);
      acknowledge(run.receipts);
      run.receipts = [];
    } catch (error) {
      this.#context.log('warn', 'delivery comes again when the connection ends', { queue: this.queue, error });
    }
  }

  #receive(receipt: Receipt): void {
    const { message } = receipt;
    const { attempts, attempt, error, isHeld = false } = notesOf(message);
    let envelope: Envelope;
    try {
      envelope = envelopeOf(message);
    } catch (cause) {
      return this.#bury('message cannot be read', receipt, attempt, `no handler can read it: ${errorText(cause)}`);
    }
    const comesAgain = message.fields.redelivered || isHeld;
    const run = [...this.#runs].find((each) => each.envelope.id === envelope.id && (comesAgain || each.receipts.length === 0));
    if (run) this.#adopt(run, receipt);
    else if (comesAgain && this.#finished.take(envelope.id)) acknowledge([receipt]);
    // Its process has ended. RabbitMQ 4 keeps the count of its returns to the queue of what was held, 3 does not: a fresh copy has none.
    else if (isHeld) this.#stray(receipt, backAgain(this.queue, attempts + 1));
    else if (attempt > this.#limits.maxAttempts)
      this.#bury('message outlived its consumers', receipt, attempt, outlivedText(attempt - 1, error));
    else if (this.#isStopped || this.#free() === 0) this.#giveBack(receipt, attempt);
    else this.#begin(receipt, envelope, attempt);
  }

  #begin(receipt: Receipt, envelope: Envelope, attempt: number): void {
    const run: Run = {
      receipts: [receipt],
      fate: 'ours',
      envelope,
      attempt,
      controller: new AbortController(),
      receivedAt: performance.now(),
      moving: undefined,
    };
    this.#runs.add(run);
    void this.#handle(run);
  }

  /** The message of a handler at work has come again, or has been moved aside: its end will settle this one too. */
  #adopt(run: Run, receipt: Receipt): void {
    if (this.#intake.isFromHeld(receipt.message)) {
      acknowledge(run.receipts);
      run.receipts = [receipt];
    } else {
      run.receipts = [...run.receipts, receipt];
    }
    run.receivedAt = performance.now();
    run.moving?.resolve();
    this.#balance();
  }

  #giveBack(receipt: Receipt, attempt: number): void {
    this.#stray(receipt, backAgain(this.queue, attempt));
    if (!this.#isStopped) void this.#arrange();
  }

  #bury(what: string, receipt: Receipt, attempt: number, error: string): void {
    this.#context.log('error', what, { queue: this.queue, attempt: attempt - 1, problem: error });
    this.#stray(receipt, dead(this.queue, attempt - 1, error));
  }

  #stray(receipt: Receipt, copy: Copy): void {
    const stray: Holder = { receipts: [receipt], fate: 'ours' };
    this.#strays.add(stray);
    void this.#replaceBy(stray, copy).finally(() => {
      this.#strays.delete(stray);
      this.#balance();
      this.#wakeIdle();
    });
  }

  #lose(channel: Channel): void {
    for (const holder of [...this.#runs, ...this.#strays])
      holder.receipts = holder.receipts.filter((receipt) => receipt.channel !== channel);
    for (const run of this.#runs) {
      if (run.receipts.length === 0) run.moving?.resolve();
    }
  }

  async #handle(run: Run): Promise<void> {
    const { envelope, attempt, controller } = run;
    let copy: Copy | undefined;
    try {
      await this.#options.handler({ envelope, attempt, signal: controller.signal });
    } catch (error) {
      copy = this.#failure(run, error);
    }
    if (run.moving) await isWithin(moveMs, run.moving.promise);
    if (run.fate !== 'abandoned') {
      if (copy) await this.#replaceBy(run, copy);
      else if (!acknowledge(run.receipts)) this.#finished.add(envelope.id);
    }
    this.#runs.delete(run);
    this.#balance();
    this.#wakeIdle();
  }

  #failure({ attempt, fate }: Run, cause: unknown): Copy {
    if (fate !== 'ours') return backAgain(this.queue, attempt);
    const { log } = this.#context;
    const error = errorText(cause);
    if (cause instanceof NonRetryableError || attempt >= this.#limits.maxAttempts) {
      log('error', 'delivery failed for good', { queue: this.queue, attempt, error: cause });
      return dead(this.queue, attempt, error);
    }
    const delayMs = backoffDelayMs(attempt, this.#limits);
    log('warn', 'delivery failed, comes again', { queue: this.queue, attempt, delayMs, error: cause });
    return laterAgain(this.queue, attempt, delayMs, error);
  }

  /** Publishes `copy`, as often as it takes, then acknowledges; without a receipt nothing is to be done, for the broker delivers again. */
  async #replaceBy(holder: Holder, copy: Copy): Promise<void> {
    for (;;) {
      const [receipt] = holder.receipts;
      if (!receipt || holder.fate === 'abandoned') return;
      try {
        await this.#context.publisher.send([parcelOf(receipt, copy)]);
        acknowledge(holder.receipts);
        return;
      } catch (error) {
        this.#context.log('warn', 'failed delivery cannot be put aside yet', { queue: this.queue, error });
        await pause(copyAgainMs);
      }
    }
  }

  #moveOldAside(): void {
    const before = performance.now() - this.#context.asideMs;
    const old = [...this.#runs].filter((run) => run.receivedAt <= before && !run.moving && run.receipts.length > 0);
    if (old.length === 0) return;
    for (const run of old) run.moving = Promise.withResolvers();
    void this.#moveAside(old).finally(() => {
      for (const run of old) {
        run.moving?.resolve();
        run.moving = undefined;
      }
    });
  }

  /** Puts copies into the queue of what is held; when they come from there, `#adopt` acknowledges what they replace. */
  async #moveAside(runs: readonly Run[]): Promise<void> {
    // Else the broker would send another delivery for each that is acknowledged, while its handler is still at work.
    const takesRoom = (): boolean => runs.some(({ receipts }) => receipts.some((receipt) => this.#intake.counts(receipt)));
    while (takesRoom() && !this.#isStopped) await this.#arrange();
    const key = await this.#intake.heldQueue();
    if (key === undefined) return;
    const parcels = runs.flatMap(({ receipts: [receipt], attempt }) => (receipt ? [parcelOf(receipt, aside(key, attempt))] : []));
    try {
      await this.#context.publisher.send(parcels);
      await isWithin(moveMs, Promise.all(runs.flatMap(({ moving }) => moving?.promise ?? [])));
    } catch (error) {
      this.#context.log('warn', 'long deliveries cannot be moved aside yet', { queue: this.queue, error });
    }
  }

  /** How many more handlers may begin. */
  #free(): number {
    return this.#isStopped ? 0 : Math.max(0, this.#limits.prefetch - this.#runs.size - this.#strays.size);
  }

  /** Takes more where handlers are free that the broker does not know of: those of messages that were moved aside, or came on a channel that was lost. */
  #balance(): void {
    const receipts = [...this.#runs, ...this.#strays].flatMap((holder) => holder.receipts);
    if (this.#isStopped || this.#arranging || (this.#intake.room(receipts) ?? Infinity) >= this.#free()) return;
    void this.#arrange();
  }

  #arrange(): Promise<void> {
    this.#arranging ??= this.#intake.arrange().finally(() => {
      this.#arranging = undefined;
      this.#balance();
    });
    return this.#arranging;
  }

  #wakeIdle(): void {
    if (this.#runs.size + this.#strays.size > 0) return;
    const waiters = this.#idleWaiters;
    this.#idleWaiters = [];
    for (const resolve of waiters) resolve();
  }
}
