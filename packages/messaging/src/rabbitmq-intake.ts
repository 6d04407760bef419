import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { backoffDelayMs } from './backoff.ts';
import { isWithin, within } from './deadline.ts';
import type { Log } from './log.ts';
import { explain } from './rabbitmq-address.ts';
import { closeChannel, openChannel } from './rabbitmq-publisher.ts';
import type { Receipt } from './rabbitmq-run.ts';
import { heldQueueOptions } from './rabbitmq-topology.ts';

export interface IntakeOptions {
  readonly queue: string;
  /** Deliveries that may be unsettled at once when nothing is. */
  readonly prefetch: number;
  /** How many more deliveries there is room for now. */
  readonly free: () => number;
  readonly log: Log;
  readonly onReceipt: (receipt: Receipt) => void;
  /** Told when receipts of a channel are void. */
  readonly onLost: (channel: Channel) => void;
  /** Makes the queues anew that are missing. */
  readonly declare: () => Promise<void>;
}

/** How long the broker may take for one request. */
const requestMs = 15_000;
const reopening = { backoffMs: 100, maxBackoffMs: 10_000 } as const;

/** The channel of one subscription, opened again whenever it is lost, and its consumers on it. */
export class Intake {
  readonly #options: IntakeOptions;
  #model: ChannelModel | undefined;
  #channel: Channel | undefined;
  /** The present consumer at the broker, and how many unsettled deliveries it may have. */
  #tag: string | undefined;
  #capacity = 0;
  #heldQueue: string | undefined;
  #turn: Promise<void> = Promise.resolve();
  #failures = 0;
  #isCancelled = false;
  #isClosed = false;

  constructor(options: IntakeOptions) {
    this.#options = options;
  }

  /** How many deliveries the broker may still send when `receipts` are unsettled; undefined while there is no channel. */
  room(receipts: readonly Receipt[]): number | undefined {
    if (!this.#channel) return undefined;
    return this.#capacity - receipts.filter((receipt) => this.counts(receipt)).length;
  }

  /** True when settling `receipt` makes room for another delivery. */
  counts({ message }: Receipt): boolean {
    return message.fields.consumerTag === this.#tag;
  }

  /** True for a message that comes from the queue of what is held. */
  isFromHeld({ fields }: ConsumeMessage): boolean {
    return fields.routingKey === this.#heldQueue;
  }

  /** Begins on a new connection. */
  connect(model: ChannelModel): void {
    this.#model = model;
    model.once('close', () => {
      if (this.#model === model) this.#model = undefined;
    });
    void this.#open(model);
  }

  /**
   * Lets the broker send as many more as there is room for. Per consumer the broker counts what it has sent, and a consumer's limit is for ever:
   * so this begins a new one, to which nothing that is under way counts.
   */
  async arrange(): Promise<void> {
    await this.#take(async (channel) => {
      const tag = this.#tag;
      this.#tag = undefined;
      this.#capacity = 0;
      if (tag !== undefined) await channel.cancel(tag);
      await this.#consume(channel, this.#options.free());
    });
  }

  /** Takes no more deliveries; those under way stay. Resolves when the broker knows. */
  async cancel(): Promise<void> {
    this.#isCancelled = true;
    await this.arrange();
  }

  /** The name of the queue of what is held for long, declared and consumed; undefined while there is no channel. */
  async heldQueue(): Promise<string | undefined> {
    await this.#take(async (channel) => {
      if (this.#heldQueue !== undefined) return;
      const name = `${this.#options.queue}.held.${crypto.randomUUID()}`;
      await channel.assertQueue(name, heldQueueOptions(this.#options.queue));
      await channel.prefetch(0);
      await channel.consume(name, (message) => this.#receive(channel, message));
      this.#heldQueue = name;
    });
    return this.#heldQueue;
  }

  /** Closes the channel when the broker knows of every settlement. `isEmpty` says that nothing is held any more. */
  async close(isEmpty: boolean): Promise<void> {
    this.#isClosed = true;
    const held = this.#heldQueue;
    await this.#take(async (channel) => {
      if (held !== undefined && isEmpty) await channel.deleteQueue(held);
      await closeChannel(channel);
    });
  }

  async #open(model: ChannelModel): Promise<void> {
    if (this.#isClosed || this.#model !== model || this.#channel) return;
    try {
      const channel = await within(requestMs, openChannel(model), () => 'no channel could be opened');
      channel.on('close', () => this.#lose(model, channel));
      channel.on('error', (error: Error) => this.#report(error));
      this.#channel = channel;
      await this.#take((each) => this.#consume(each, this.#options.prefetch)); // full, for what was lost may come again
    } catch (error) {
      this.#report(error);
      this.#reopenSoon(model);
    }
  }

  async #consume(channel: Channel, capacity: number): Promise<void> {
    if (capacity <= 0 || this.#isCancelled) return;
    await channel.prefetch(capacity);
    const consumerTag = crypto.randomUUID();
    this.#tag = consumerTag; // before the first deliveries, which come together with the answer
    this.#capacity = capacity;
    await channel.consume(this.#options.queue, (message) => this.#receive(channel, message), { consumerTag });
    this.#failures = 0;
  }

  #receive(channel: Channel, message: ConsumeMessage | null): void {
    if (message) return this.#options.onReceipt({ channel, message });
    // The queue was deleted, or its broker has taken back what was under way for too long: this channel is of no use any more.
    this.#report(new Error('the broker has ended the subscription'));
    void closeChannel(channel);
  }

  #lose(model: ChannelModel, channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    this.#tag = undefined;
    this.#capacity = 0;
    this.#heldQueue = undefined;
    this.#options.onLost(channel);
    this.#reopenSoon(model);
  }

  #reopenSoon(model: ChannelModel): void {
    if (this.#isClosed) return;
    this.#failures += 1;
    setTimeout(
      () => {
        if (this.#isClosed || this.#model !== model) return;
        this.#options.declare().then(
          () => this.#open(model),
          () => this.#reopenSoon(model),
        );
      },
      backoffDelayMs(this.#failures, reopening),
    );
  }

  /** One request after the other; a channel on which one fails or takes too long is given up. */
  #take(work: (channel: Channel) => Promise<void>): Promise<void> {
    const turn = this.#turn.then(async () => {
      const channel = this.#channel;
      if (!channel) return;
      try {
        await within(requestMs, work(channel), () => `the broker has not answered within ${requestMs} ms`);
      } catch (error) {
        this.#report(error);
        if (!(await isWithin(requestMs, closeChannel(channel)))) this.#loseUnanswered(channel);
      }
    });
    this.#turn = turn;
    return turn;
  }

  /** Without an answer to its closing only the whole connection is left to give up. */
  #loseUnanswered(channel: Channel): void {
    const model = this.#model;
    if (!model || this.#channel !== channel) return;
    this.#lose(model, channel);
    void model.close().catch(() => undefined);
  }

  #report(error: unknown): void {
    if (this.#isClosed) return;
    this.#options.log('warn', 'subscription is interrupted', { queue: this.#options.queue, problem: explain(error) });
  }
}
