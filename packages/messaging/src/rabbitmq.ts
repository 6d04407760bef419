/**
 * The Bus on RabbitMQ, from 3.10 to 4.x, over AMQP 0-9-1 alone.
 *
 * Two connections: one publishes, one consumes (see `Publisher`). Both are made in the background and again whenever they are lost.
 * What is declared: `rabbitmq-topology.ts`; how deliveries are taken and settled: `rabbitmq-consumer.ts`; counting: `rabbitmq-depths.ts`.
 */
import type { ChannelModel } from 'amqplib';
import { isWithin, within } from './deadline.ts';
import { checkDelay } from './limits.ts';
import type { Log } from './log.ts';
import { explain, readAddress, type RabbitAddress } from './rabbitmq-address.ts';
import { RabbitConsumer } from './rabbitmq-consumer.ts';
import { lookAtDeadLetters, redriveDeadLetters, withChannel } from './rabbitmq-dead.ts';
import { countMessages } from './rabbitmq-depths.ts';
import { Link } from './rabbitmq-link.ts';
import { bodyOf, type Parcel, propertiesOf } from './rabbitmq-message.ts';
import { ProcessQueue } from './rabbitmq-process.ts';
import { Publisher } from './rabbitmq-publisher.ts';
import { delayRoute, exchanges, queuesOf } from './rabbitmq-topology.ts';
import type { Bus, Envelope, PublishOptions, SubscribeOptions, Subscription, Topology } from './port.ts';

export interface RabbitBusOptions {
  readonly topology: Topology;
  readonly log?: Log;
  /** How long `ready` waits for the broker and its queues. Default 30 000. */
  readonly readyMs?: number;
  /** How long `publish` waits for the broker's confirmation. Default 10 000. */
  readonly publishMs?: number;
  /** How long a delivery is under way before it is moved aside; below the broker's `consumer_timeout`. Default 600 000. */
  readonly asideMs?: number;
}

const pingMs = 3_000;
/** How long one look at the broker may take. */
const lookMs = 15_000;
/** What handlers get after their signals have aborted, and publications to be confirmed. */
const afterAbortMs = 1_000;

/** Opens the bus at `url`, see `readAddress`; it connects in the background. @throws when the URL is none. */
export const openRabbitBus = (url: string, options: RabbitBusOptions): Bus => new RabbitBus(readAddress(url), options);

class RabbitBus implements Bus {
  readonly #address: RabbitAddress;
  readonly #topology: Topology;
  readonly #log: Log;
  readonly #options: RabbitBusOptions;
  readonly #queues: readonly string[];
  readonly #publisher: Publisher;
  readonly #consuming: Link<ChannelModel>;
  readonly #process: ProcessQueue;
  readonly #consumers = new Set<RabbitConsumer>();
  readonly #publications = new Set<Promise<void>>();
  /** The connection that consumers have been told of. */
  #model: ChannelModel | undefined;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(address: RabbitAddress, options: RabbitBusOptions) {
    const { topology, log = () => undefined, publishMs = 10_000 } = options;
    this.#address = address;
    this.#topology = topology;
    this.#log = log;
    this.#options = options;
    this.#queues = queuesOf(topology);
    this.#publisher = new Publisher({ address, topology, log, publishMs });
    this.#process = new ProcessQueue({ publisher: this.#publisher, log, underWay: () => this.#underWay() });
    this.#consuming = new Link({ address, log, purpose: 'consuming', setUp: (model) => this.#startConsuming(model) });
    this.#publisher.link.start();
  }

  publish(envelopes: Envelope | readonly Envelope[], { delayMs = 0 }: PublishOptions = {}): Promise<void> {
    const publication = this.#publish([envelopes].flat(), delayMs);
    this.#publications.add(publication);
    const forget = (): void => void this.#publications.delete(publication);
    publication.then(forget, forget);
    return publication;
  }

  subscribe(options: SubscribeOptions): Subscription {
    this.#assertOpen();
    if (!this.#receivers(options.type).includes(options.service)) throw new Error(`${options.service} does not receive ${options.type}`);
    const { asideMs = 600_000 } = this.#options;
    const consumer = new RabbitConsumer(options, { publisher: this.#publisher, log: this.#log, asideMs });
    this.#consumers.add(consumer);
    this.#consuming.start();
    this.#process.join().catch((error: unknown) => this.#log('warn', 'other processes do not know of this one', { error }));
    if (this.#model) consumer.connect(this.#model);
    let stopping: Promise<void> | undefined;
    return { stop: () => (stopping ??= this.#stop(consumer)) };
  }

  listen(types: readonly string[], handler: (envelope: Envelope) => void): Subscription {
    this.#assertOpen();
    for (const type of types) this.#receivers(type);
    this.#consuming.start();
    return this.#process.listen(types, handler);
  }

  depths() {
    return this.#look((channel) => countMessages(channel, this.#queues, this.#process));
  }

  async redrive(queue: string): Promise<number> {
    this.#assertQueue(queue);
    const model = await this.#consumingModel();
    return withChannel(model, (channel) => redriveDeadLetters(channel, queue, this.#publisher));
  }

  async deadLetters(queue: string, limit = 100) {
    this.#assertQueue(queue);
    return this.#look((channel) => lookAtDeadLetters(channel, queue, limit));
  }

  async ready(): Promise<void> {
    this.#assertOpen();
    const { readyMs = 30_000 } = this.#options;
    const isNeeded = this.#consuming.isStarted;
    await Promise.all([this.#publisher.link.whenUp(readyMs), ...(isNeeded ? [this.#consuming.whenUp(readyMs)] : [])]);
    await this.#process.settled();
  }

  async ping(): Promise<void> {
    this.#assertOpen();
    const link = this.#consuming.isStarted ? this.#consuming : undefined;
    const model = link ? await link.whenUp(pingMs) : (await this.#publisher.link.whenUp(pingMs)).model;
    const answer = withChannel(model, (channel) => channel.checkExchange(exchanges.events));
    try {
      await within(pingMs, answer, () => `it does not answer within ${pingMs} ms`);
    } catch (error) {
      throw new Error(`${this.#address.name}: ${explain(error)}`, { cause: error });
    }
  }

  close(graceMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    this.#process.clear();
    const consumers = [...this.#consumers];
    const idle = Promise.all(consumers.map(async (consumer) => (await consumer.cancel(), consumer.idle())));
    if (!(await isWithin(graceMs, idle))) {
      for (const consumer of consumers) consumer.interrupt();
      await isWithin(afterAbortMs, idle);
    }
    this.#isClosed = true;
    await isWithin(Math.max(afterAbortMs, graceMs), Promise.allSettled(this.#publications));
    await isWithin(afterAbortMs, Promise.all(consumers.map((consumer) => consumer.end())));
    await Promise.all([this.#consuming.close(), this.#publisher.link.close()]);
  }

  async #publish(envelopes: readonly Envelope[], delayMs: number): Promise<void> {
    this.#assertOpen();
    checkDelay('delayMs', delayMs);
    const parcels = envelopes.flatMap((envelope) => this.#parcels(envelope, delayMs));
    if (parcels.length === 0) return;
    if (this.#consuming.session) await this.#process.settled(); // what this process listens to, it hears from now on
    await this.#publisher.send(parcels);
  }

  /** Everything to be sent for one envelope. @throws for a type outside the topology and for a body or a delay too large. */
  #parcels(envelope: Envelope, delayMs: number): Parcel[] {
    const { type } = envelope;
    const receivers = this.#receivers(type);
    const content = bodyOf(envelope);
    const properties = propertiesOf(envelope);
    const kept = { ...properties, mandatory: receivers.length > 0 };
    const live: Parcel = { exchange: exchanges.live, key: type, content, properties: { ...properties, persistent: false } };
    if (delayMs <= 0) return [{ exchange: exchanges.events, key: type, content, properties: kept }, live];
    return [...receivers.map((service) => ({ ...delayRoute(`${service}.${type}`, delayMs), content, properties: kept })), live];
  }

  async #startConsuming(model: ChannelModel): Promise<ChannelModel> {
    await this.#publisher.link.whenUp(lookMs); // the queues are declared by then
    await this.#process.setUp(model);
    model.once('close', () => (this.#model = undefined));
    this.#model = model;
    for (const consumer of this.#consumers) consumer.connect(model);
    return model;
  }

  async #stop(consumer: RabbitConsumer): Promise<void> {
    await consumer.cancel();
    await consumer.idle();
    if (this.#isClosed) return;
    await consumer.end();
    this.#consumers.delete(consumer);
  }

  /** Asks the broker on a channel of its own; a queue that is missing is declared again for the next look. */
  async #look<T>(work: (channel: Parameters<Parameters<typeof withChannel<T>>[1]>[0]) => Promise<T>): Promise<T> {
    const model = await this.#consumingModel();
    try {
      return await within(lookMs, withChannel(model, work), () => `it does not answer within ${lookMs} ms`);
    } catch (error) {
      if (/NOT_FOUND/.test(String(error))) await this.#publisher.declare();
      throw new Error(`${this.#address.name}: ${explain(error)}`, { cause: error });
    }
  }

  async #consumingModel(): Promise<ChannelModel> {
    this.#assertOpen();
    this.#consuming.start();
    return this.#consuming.whenUp(lookMs);
  }

  #underWay(): Record<string, number> {
    const counts: Record<string, number> = {};
    for (const { queue, underWay } of this.#consumers) counts[queue] = (counts[queue] ?? 0) + underWay;
    return counts;
  }

  #receivers(type: string): readonly string[] {
    if (!Object.hasOwn(this.#topology, type)) throw new Error(`no message type ${type} in the topology`);
    return this.#topology[type] ?? [];
  }

  #assertQueue(queue: string): void {
    this.#assertOpen();
    if (!this.#queues.includes(queue)) throw new Error(`no queue ${queue}`);
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('the bus is closed');
  }
}
