/**
 * The Bus on one SQLite file, for one process or several on one machine.
 *
 * Everything that one turn of the event loop publishes, acknowledges and takes goes into one transaction (`#pump`); a publisher is answered
 * once the WAL is flushed (see `WalSync`). Acknowledgements are not flushed: losing one in a power failure only brings the message again.
 *
 * Leases belong to processes. A process with deliveries under way extends its lease three times per `leaseMs`; when it ends without a word,
 * any other process returns its messages to the queues: at once if that process is certainly gone (pid and start time, same machine and
 * pid namespace; looked at on opening and every second while consuming), else when the lease has run out. A handler that blocks the event loop
 * for longer than `leaseMs` loses its lease too; its delivery's signal aborts and the message is delivered again.
 */
import { checkDelay } from './limits.ts';
import type { Log } from './log.ts';
import type { Bus, Envelope, PublishOptions, SubscribeOptions, Subscription, Topology } from './port.ts';
import { Consumer } from './sqlite-consumer.ts';
import { Consumers, type Delivered } from './sqlite-consumers.ts';
import { QueueFile, type Settlement } from './sqlite-file.ts';
import { Lease, randomId } from './sqlite-lease.ts';
import { Listeners } from './sqlite-listeners.ts';
import { WalSync } from './sqlite-sync.ts';

export interface SqliteBusOptions {
  readonly topology: Topology;
  readonly log?: Log;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** How long after its last sign of life a process keeps its messages. Default 10 000, at least 300. */
  readonly leaseMs?: number;
}

/** How often the file is asked for what other processes did, and clocks are looked at. */
const tickMs = 75;
interface Message {
  readonly type: string;
  readonly queues: readonly string[];
  readonly text: string;
  readonly at: number;
}

interface Publication {
  readonly messages: readonly Message[];
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** Opens the queue file `file`, creating it and its folder. @throws when it cannot be opened. */
export const openSqliteBus = (file: string, options: SqliteBusOptions): Bus => new SqliteBus(file, options);

class SqliteBus implements Bus {
  readonly #topology: Topology;
  readonly #log: Log;
  readonly #now: () => number;
  readonly #file: QueueFile;
  readonly #sync: WalSync;
  readonly #origin = randomId();
  readonly #lease: Lease;
  readonly #listeners: Listeners;
  readonly #consumers: Consumers;
  readonly #timer: NodeJS.Timeout;
  #publications: Publication[] = [];
  #settlements: Settlement[] = [];
  #isPumpDue = false;
  #isClosed = false;
  #closing: Promise<void> | undefined;

  constructor(file: string, { topology, log, now = Date.now, leaseMs = 10_000 }: SqliteBusOptions) {
    this.#topology = topology;
    this.#log = log ?? (() => undefined);
    this.#now = now;
    this.#file = new QueueFile(file, topology);
    try {
      this.#sync = new WalSync(file);
    } catch (error) {
      this.#file.close();
      throw error;
    }
    this.#lease = new Lease(this.#file, Math.max(300, leaseMs));
    this.#consumers = new Consumers({ file: this.#file, lease: this.#lease, log: this.#log, now });
    this.#listeners = new Listeners(this.#file, this.#origin, this.#log);
    this.#timer = setInterval(() => this.#tick(), tickMs);
    this.#timer.unref();
  }

  async publish(envelopes: Envelope | readonly Envelope[], { delayMs = 0 }: PublishOptions = {}): Promise<void> {
    this.#assertOpen();
    checkDelay('delayMs', delayMs);
    const list = Array.isArray(envelopes) ? (envelopes as readonly Envelope[]) : [envelopes as Envelope];
    const at = Math.round(this.#now() + delayMs);
    const messages = list.map((envelope) => this.#message(envelope, at));
    if (messages.length === 0) return;
    await new Promise<void>((resolve, reject) => {
      this.#publications.push({ messages, resolve, reject });
      this.#schedule();
    });
  }

  subscribe(options: SubscribeOptions): Subscription {
    this.#assertOpen();
    if (!this.#receivers(options.type).includes(options.service)) throw new Error(`${options.service} does not receive ${options.type}`);
    const consumer = new Consumer(options, { log: this.#log, now: this.#now, settle: (settlement) => this.#settle(settlement) });
    this.#consumers.add(consumer);
    this.#holdProcess();
    this.#lease.lookSoon();
    this.#schedule();
    return { stop: () => this.#stop(consumer) };
  }

  listen(types: readonly string[], handler: (envelope: Envelope) => void): Subscription {
    this.#assertOpen();
    for (const type of types) this.#receivers(type);
    const subscription = this.#listeners.add(types, handler);
    this.#holdProcess();
    return { stop: () => subscription.stop().then(() => this.#holdProcess()) };
  }

  async depths() {
    this.#assertOpen();
    return this.#file.depths();
  }

  async redrive(queue: string): Promise<number> {
    this.#assertOpen();
    const count = this.#file.transaction(() => this.#file.redrive(queue, this.#now()));
    await this.#sync.durable();
    this.#consumers.wake(queue, 0);
    this.#schedule();
    return count;
  }

  async deadLetters(queue: string, limit = 100) {
    this.#assertOpen();
    return this.#file.deadLetters(queue, limit).map(({ envelope, error, at }) => {
      return { envelope: JSON.parse(envelope) as Envelope, error, diedAt: new Date(at).toISOString() };
    });
  }

  async ready(): Promise<void> {
    await this.ping();
  }

  async ping(): Promise<void> {
    this.#assertOpen();
    this.#file.ping();
  }

  close(graceMs = 10_000): Promise<void> {
    this.#closing ??= this.#close(graceMs);
    return this.#closing;
  }

  async #close(graceMs: number): Promise<void> {
    this.#listeners.clear();
    this.#settlements.push(...(await this.#consumers.end(graceMs)));
    this.#pump();
    this.#isClosed = true;
    clearInterval(this.#timer);
    try {
      await this.#sync.durable();
      this.#file.transaction(() => this.#lease.end());
    } finally {
      this.#sync.close();
      this.#file.close();
    }
  }

  async #stop(consumer: Consumer): Promise<void> {
    consumer.isStopped = true;
    await consumer.idle();
    if (this.#isClosed) return;
    this.#consumers.delete(consumer);
    this.#holdProcess();
    this.#pump();
  }

  #message(envelope: Envelope, at: number): Message {
    const services = this.#receivers(envelope.type);
    return { type: envelope.type, queues: services.map((service) => `${service}.${envelope.type}`), text: JSON.stringify(envelope), at };
  }

  #receivers(type: string): readonly string[] {
    if (!Object.hasOwn(this.#topology, type)) throw new Error(`no message type ${type} in the topology`);
    return this.#topology[type] ?? [];
  }

  #assertOpen(): void {
    if (this.#isClosed) throw new Error('the bus is closed');
  }

  /** Somebody who waits for messages keeps the process alive, as a listening socket does. */
  #holdProcess(): void {
    if (this.#consumers.size + this.#listeners.size > 0) this.#timer.ref();
    else this.#timer.unref();
  }

  #settle(settlement: Settlement): void {
    this.#settlements.push(settlement);
    this.#schedule();
  }

  #schedule(): void {
    if (this.#isPumpDue) return;
    this.#isPumpDue = true;
    setImmediate(() => this.#pump());
  }

  /** One transaction: how deliveries ended, what was published, what can be taken. A publisher learns of a failure; the rest is tried again on the next tick. */
  #pump(): void {
    this.#isPumpDue = false;
    if (this.#isClosed) return;
    const publications = this.#publications;
    this.#publications = [];
    for (const { queues, at } of publications.flatMap(({ messages }) => messages))
      for (const queue of queues) this.#consumers.wake(queue, at);
    const hungry = this.#consumers.hungry();
    if (publications.length + this.#settlements.length + hungry.length === 0) return;
    try {
      const { hasLost, delivered } = this.#file.transaction(() => this.#write(publications, hungry));
      this.#afterCommit(publications, hasLost, delivered);
    } catch (error) {
      for (const consumer of hungry) consumer.mayHaveWork = true;
      for (const publication of publications) publication.reject(error);
      this.#log('error', 'bus file cannot be written', { error });
    }
  }

  #write(publications: readonly Publication[], hungry: readonly Consumer[]): { hasLost: boolean; delivered: Delivered[] } {
    for (const settlement of this.#settlements) this.#file.settle(settlement);
    for (const { messages } of publications) {
      for (const { type, queues, text, at } of messages) {
        for (const queue of queues) this.#file.insert(queue, text, at);
        this.#file.insertRecent(this.#origin, type, text);
      }
    }
    if (hungry.length === 0) return { hasLost: false, delivered: [] };
    const hasLost = !this.#lease.renew(this.#now());
    return { hasLost, delivered: hungry.flatMap((consumer) => this.#consumers.take(consumer)) };
  }

  #afterCommit(publications: readonly Publication[], hasLost: boolean, delivered: readonly Delivered[]): void {
    for (const { queue, outcome } of this.#settlements) {
      if (outcome.kind === 'retry') this.#consumers.wake(queue, outcome.at);
      if (outcome.kind === 'release') this.#consumers.wake(queue, 0);
    }
    this.#settlements = [];
    if (hasLost) this.#consumers.loseLeases();
    for (const { consumer, taken } of delivered) consumer.deliver(taken, this.#lease.owner);
    if (publications.length === 0) return;
    this.#sync.durable().then(
      () => publications.forEach(({ resolve }) => resolve()),
      (error: unknown) => publications.forEach(({ reject }) => reject(error)),
    );
    if (this.#listeners.size === 0) return;
    for (const { messages } of publications) for (const { type, text } of messages) this.#listeners.tell({ type, envelope: text });
  }

  #tick(): void {
    try {
      const now = this.#now();
      if (this.#consumers.size > 0) this.#takeOver(now);
      if (this.#lease.isRenewalDue(now) && this.#consumers.hasUnderWay) this.#renew(now);
      if (this.#consumers.size + this.#listeners.size > 0 && this.#file.hasChangedElsewhere()) this.#seeOthers();
      this.#consumers.wakeDue(now);
    } catch (error) {
      this.#log('error', 'bus file cannot be read', { error });
    }
    this.#pump();
  }

  #seeOthers(): void {
    if (this.#listeners.size > 0) this.#listeners.readOthers();
    this.#consumers.readDue();
  }

  #renew(now: number): void {
    if (!this.#file.transaction(() => this.#lease.renew(now))) this.#consumers.loseLeases();
  }

  #takeOver(now: number): void {
    const messages = this.#lease.evictEnded(now);
    if (messages === 0) return;
    this.#log('warn', 'messages of an ended process are delivered again', { messages });
    this.#consumers.wakeAll();
  }
}
