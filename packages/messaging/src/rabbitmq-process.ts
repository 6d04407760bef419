import type { Channel, ChannelModel, ConsumeMessage } from 'amqplib';
import { isWithin } from './deadline.ts';
import type { Log } from './log.ts';
import { envelopeOf } from './rabbitmq-message.ts';
import { closeChannel, openChannel, type Publisher } from './rabbitmq-publisher.ts';
import { exchanges, processesQueue } from './rabbitmq-topology.ts';
import type { Envelope, Subscription } from './port.ts';

export interface ProcessOptions {
  readonly publisher: Publisher;
  readonly log: Log;
  /** Deliveries under way in this process by queue. */
  readonly underWay: () => Readonly<Record<string, number>>;
}

interface Listener {
  readonly types: ReadonlySet<string>;
  readonly handler: (envelope: Envelope) => void;
}

interface Question {
  readonly answers: Readonly<Record<string, number>>[];
  readonly isComplete: () => void;
  readonly expected: number;
}

/** How long other processes have to tell what they have under way. */
const answerMs = 1_000;

/**
 * The queue that this process alone reads, gone with its connection: messages that it listens to, and questions of other processes
 * for what it has under way, which AMQP does not tell.
 */
export class ProcessQueue {
  readonly #options: ProcessOptions;
  readonly #listeners = new Set<Listener>();
  readonly #questions = new Map<string, Question>();
  #channel: Channel | undefined;
  #name = '';
  #bound = new Set<string>();
  #binding: Promise<void> = Promise.resolve();
  #isMember = false;

  constructor(options: ProcessOptions) {
    this.#options = options;
  }

  /** Declares the queue on a new connection, with all that is listened to. */
  async setUp(model: ChannelModel): Promise<void> {
    const channel = await openChannel(model);
    const name = `kinora.process.${crypto.randomUUID()}`;
    const options = { exclusive: true, autoDelete: true, durable: false, arguments: { 'x-queue-type': 'classic', 'x-max-length': 4_096 } };
    await channel.assertQueue(name, options);
    await channel.bindQueue(name, exchanges.ask, '');
    await channel.consume(name, (message) => this.#take(channel, message), { noAck: true });
    channel.on('close', () => this.#lose(model, channel));
    this.#name = name;
    this.#bound = new Set();
    this.#channel = channel;
    if (this.#isMember) await this.#enrol(channel);
    await this.#bindSoon();
  }

  /** Lets other processes count on an answer of this one: it has subscriptions. */
  async join(): Promise<void> {
    if (this.#isMember) return;
    this.#isMember = true;
    if (this.#channel) await this.#enrol(this.#channel);
  }

  /** See `Bus`. */
  listen(types: readonly string[], handler: Listener['handler']): Subscription {
    const listener: Listener = { types: new Set(types), handler };
    this.#listeners.add(listener);
    void this.#bindSoon();
    return {
      stop: () => {
        this.#listeners.delete(listener);
        return this.#bindSoon();
      },
    };
  }

  /** Ends all listening. */
  clear(): void {
    this.#listeners.clear();
  }

  /** Resolves when the broker knows what is listened to so far, if it can be told now. */
  settled(): Promise<void> {
    return this.#binding;
  }

  /** What every process has under way, as far as they answer within a second. */
  async ask(): Promise<readonly Readonly<Record<string, number>>[]> {
    const own = this.#isMember ? [this.#options.underWay()] : [];
    const channel = this.#channel;
    if (!channel) return own;
    const expected = (await channel.checkQueue(processesQueue)).consumerCount - own.length;
    if (expected <= 0) return own;
    const id = crypto.randomUUID();
    const { promise, resolve } = Promise.withResolvers<void>();
    const question: Question = { answers: [], expected, isComplete: resolve };
    this.#questions.set(id, question);
    this.#options.publisher.sendLoosely({
      exchange: exchanges.ask,
      key: '',
      content: Buffer.alloc(0),
      properties: { replyTo: this.#name, messageId: id },
    });
    await isWithin(answerMs, promise);
    this.#questions.delete(id);
    return [...own, ...question.answers];
  }

  /** When only the channel has gone, somebody has deleted the queue: makes another. */
  #lose(model: ChannelModel, channel: Channel): void {
    if (this.#channel !== channel) return;
    this.#channel = undefined;
    setImmediate(() => {
      this.setUp(model).catch(() => model.close().catch(() => undefined));
    });
  }

  async #enrol(channel: Channel): Promise<void> {
    await channel.consume(processesQueue, () => undefined, { noAck: true });
  }

  /** Brings the bindings in line with the listeners, one change after the other. */
  #bindSoon(): Promise<void> {
    this.#binding = this.#binding
      .then(() => this.#bind())
      .catch((error: unknown) => this.#options.log('warn', 'listening could not be arranged', { error }));
    return this.#binding;
  }

  async #bind(): Promise<void> {
    const channel = this.#channel;
    if (!channel) return; // Arranged with the connection, when there is one.
    const wanted = new Set([...this.#listeners].flatMap(({ types }) => [...types]));
    for (const type of wanted) {
      if (this.#bound.has(type)) continue;
      await channel.bindQueue(this.#name, exchanges.live, type);
      this.#bound.add(type);
    }
    for (const type of [...this.#bound].filter((each) => !wanted.has(each))) {
      await channel.unbindQueue(this.#name, exchanges.live, type);
      this.#bound.delete(type);
    }
  }

  #take(channel: Channel, message: ConsumeMessage | null): void {
    if (!message) return void closeChannel(channel);
    try {
      this.#receive(message);
    } catch (error) {
      this.#options.log('error', 'message to this process makes no sense', { error });
    }
  }

  #receive(message: ConsumeMessage): void {
    if (message.fields.exchange === exchanges.live) return this.#tell(message);
    const { messageId, replyTo } = message.properties as { messageId?: string; replyTo?: string };
    if (message.fields.exchange === exchanges.ask) {
      if (replyTo !== undefined && replyTo !== this.#name && this.#isMember) this.#answer(replyTo, messageId);
      return;
    }
    const question = this.#questions.get(messageId ?? '');
    if (!question) return;
    question.answers.push(JSON.parse(message.content.toString()) as Record<string, number>);
    if (question.answers.length >= question.expected) question.isComplete();
  }

  #answer(replyTo: string, messageId: string | undefined): void {
    const content = Buffer.from(JSON.stringify(this.#options.underWay()));
    this.#options.publisher.sendLoosely({ exchange: '', key: replyTo, content, properties: messageId === undefined ? {} : { messageId } });
  }

  #tell(message: ConsumeMessage): void {
    const type = message.fields.routingKey;
    for (const { types, handler } of [...this.#listeners]) {
      if (!types.has(type)) continue;
      try {
        handler(envelopeOf(message));
      } catch (error) {
        this.#options.log('error', 'listener failed', { type, error });
      }
    }
  }
}
