import type { Channel, ChannelModel, ConfirmChannel, Message } from 'amqplib';
import { pause, within } from './deadline.ts';
import type { Log } from './log.ts';
import type { RabbitAddress } from './rabbitmq-address.ts';
import { Link } from './rabbitmq-link.ts';
import type { Parcel } from './rabbitmq-message.ts';
import { declareTopology } from './rabbitmq-topology.ts';
import type { Topology } from './port.ts';

export interface PublisherOptions {
  readonly address: RabbitAddress;
  readonly topology: Topology;
  readonly log: Log;
  /** How long a publisher waits for the broker's confirmation. */
  readonly publishMs: number;
}

interface Session {
  readonly model: ChannelModel;
  /** Replaced when a confirmation stays out: its window would grow with everything published after. */
  channel: ConfirmChannel;
  isReplacing: boolean;
  /** Numbers of publications that came back because no queue takes them. */
  readonly returned: Set<string>;
}

/**
 * Wait before a missing queue is declared again. RabbitMQ 3.10 takes a quorum queue of the same name for the one that was deleted some milliseconds
 * before: its consumers are not told of the deletion, and messages that it confirms are gone.
 */
const declareAgainMs = 1_000;
/** How long a channel that was replaced may still get its confirmations. */
const drainMs = 30_000;

/**
 * Publishes with confirmation, on a connection of its own: a broker short of memory or disk stops reading from connections that publish,
 * and would not hear the acknowledgements of consumers on the same one. Declares the topology whenever it connects.
 */
export class Publisher {
  readonly link: Link<Session>;
  readonly #options: PublisherOptions;
  #publications = 0;
  #declaring: Promise<void> | undefined;

  constructor(options: PublisherOptions) {
    const { address, log } = options;
    this.#options = options;
    this.link = new Link({ address, log, purpose: 'publishing', setUp: (model) => this.#setUp(model) });
  }

  /** Resolves when the broker has confirmed every parcel. @throws an Error when it has not within the time, or no queue takes one of them. */
  async send(parcels: readonly Parcel[]): Promise<void> {
    const { publishMs, address } = this.#options;
    const until = performance.now() + publishMs;
    const session = await this.link.whenTaking(publishMs);
    const { channel } = session;
    const confirmed = Promise.all(parcels.map((parcel) => this.#put(session, parcel)));
    const sentence = (): string => {
      if (!this.link.isBlocked) this.#replace(session, channel);
      return `${address.name}, has not confirmed within ${publishMs} ms${this.link.isBlocked ? ': it takes no messages now' : ''}`;
    };
    await within(Math.max(0, until - performance.now()), confirmed, sentence);
  }

  /** Sends what may get lost, if the broker takes messages now. */
  sendLoosely({ exchange, key, content, properties }: Parcel): void {
    const { session, isBlocked } = this.link;
    if (!session || isBlocked) return;
    try {
      session.channel.publish(exchange, key, content, properties);
    } catch {
      // The connection is ending; whoever waits for this does not wait long.
    }
  }

  /** Makes anew what is missing of the topology, after a moment; callers at the same time share one round. */
  declare(): Promise<void> {
    this.#declaring ??= this.#declareOnce().finally(() => (this.#declaring = undefined));
    return this.#declaring;
  }

  async #declareOnce(): Promise<void> {
    await pause(declareAgainMs);
    const { model } = await this.link.whenUp(this.#options.publishMs);
    const channel = await openChannel(model);
    try {
      await declareTopology(channel, this.#options.topology);
    } finally {
      await closeChannel(channel);
    }
  }

  async #setUp(model: ChannelModel): Promise<Session> {
    const channel = await openChannel(model);
    await declareTopology(channel, this.#options.topology);
    await closeChannel(channel);
    const returned = new Set<string>();
    return { model, returned, channel: await this.#openConfirmChannel(model, returned), isReplacing: false };
  }

  async #openConfirmChannel(model: ChannelModel, returned: Set<string>): Promise<ConfirmChannel> {
    const channel = await model.createConfirmChannel();
    channel.on('error', (error) => this.#options.log('warn', 'broker closed the channel for publishing', { problem: error.message }));
    channel.on('return', ({ properties }: Message) => returned.add(String(properties.correlationId)));
    channel.on('close', () => this.#reopen(channel));
    return channel;
  }

  /** A channel that the broker has closed, for whatever was wrong with one message, is replaced while the connection lives. */
  #reopen(channel: ConfirmChannel): void {
    setImmediate(() => {
      const { session } = this.link;
      if (session?.channel === channel) this.#replace(session, channel);
    });
  }

  #replace(session: Session, old: ConfirmChannel): void {
    if (session.isReplacing || session.channel !== old || this.link.session !== session) return;
    session.isReplacing = true;
    this.#openConfirmChannel(session.model, session.returned)
      .then((channel) => {
        session.channel = channel;
        setTimeout(() => void closeChannel(old), drainMs).unref();
      })
      .catch((error: unknown) => this.#options.log('warn', 'no new channel for publishing', { error }))
      .finally(() => (session.isReplacing = false));
  }

  #put({ channel, returned }: Session, { exchange, key, content, properties }: Parcel): Promise<void> {
    const correlationId = String((this.#publications += 1));
    return new Promise((resolve, reject) => {
      channel.publish(exchange, key, content, { ...properties, correlationId }, (error: unknown) => {
        if (returned.delete(correlationId)) {
          reject(this.#missing(exchange, key));
        } else if (error) {
          reject(new Error(`${this.#options.address.name}, did not confirm ${properties.type ?? 'a message'}`, { cause: error }));
        } else {
          resolve();
        }
      });
    });
  }

  /** A queue is missing, so somebody has deleted it: makes it again for the next try. */
  #missing(exchange: string, key: string): Error {
    const what = exchange === '' ? key : `${key} (${exchange})`;
    if (!this.#declaring) this.#options.log('error', 'queue is missing and is declared again', { queue: what });
    this.declare().catch((error: unknown) => this.#options.log('warn', 'queues cannot be declared', { error }));
    return new Error(`${this.#options.address.name}, has no queue for ${what}; it is declared again`);
  }
}

/** A channel for declarations and the like; its error reaches whoever waits for an answer. */
export async function openChannel(model: ChannelModel): Promise<Channel> {
  const channel = await model.createChannel();
  channel.on('error', () => undefined);
  return channel;
}

/** Closes a channel that may have ended already, or ends before the broker has answered: amqplib's own promise stays open then. */
export function closeChannel(channel: Channel): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => resolve();
    channel.once('close', end);
    channel.close().then(end, end);
  });
}
