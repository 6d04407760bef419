import type { ChannelModel, SocketOptions } from 'amqplib';
import { hostname } from 'node:os';
import { backoffDelayMs } from './backoff.ts';
import { isWithin, pause, within } from './deadline.ts';
import type { Log } from './log.ts';
import { explain, type RabbitAddress } from './rabbitmq-address.ts';

export interface LinkOptions<Session extends object> {
  readonly address: RabbitAddress;
  /** What it is for, as the broker's management page and the log show it. */
  readonly purpose: 'publishing' | 'consuming';
  readonly log: Log;
  /** Makes what the link is used by on a new connection. When it throws, the connection is closed and tried again. */
  readonly setUp: (model: ChannelModel) => Promise<Session>;
}

const connectMs = 10_000;
const setUpMs = 60_000;
const closeMs = 2_000;
const backoff = { backoffMs: 200, maxBackoffMs: 5_000 } as const;

/** One connection that is made in the background and made again, with growing waits, whenever it is lost. */
export class Link<Session extends object> {
  readonly #options: LinkOptions<Session>;
  readonly #closing = new AbortController();
  readonly #closed = new Promise<void>((resolve) => this.#closing.signal.addEventListener('abort', () => resolve()));
  #session: Session | undefined;
  #blocked: string | undefined;
  #problem = 'not connected yet';
  #changed = Promise.withResolvers<void>();
  #running: Promise<void> | undefined;

  constructor(options: LinkOptions<Session>) {
    this.#options = options;
  }

  /** Begins to connect; again is nothing. */
  start(): void {
    this.#running ??= this.#run();
  }

  get isStarted(): boolean {
    return this.#running !== undefined;
  }

  /** What there is now; undefined while it is being made. */
  get session(): Session | undefined {
    return this.#session;
  }

  get isBlocked(): boolean {
    return this.#blocked !== undefined;
  }

  /** The session, once there is one. @throws an Error with the last problem when there is none within `limitMs`. */
  whenUp(limitMs: number): Promise<Session> {
    return this.#when(limitMs, () => this.#session);
  }

  /** As `whenUp`, and the broker takes messages. */
  whenTaking(limitMs: number): Promise<Session> {
    return this.#when(limitMs, () => (this.isBlocked ? undefined : this.#session));
  }

  /** Closes the connection, with a farewell if the broker answers, and makes no other. */
  async close(): Promise<void> {
    this.#closing.abort();
    this.#note();
    await this.#running;
  }

  async #when(limitMs: number, find: () => Session | undefined): Promise<Session> {
    const until = performance.now() + limitMs;
    for (;;) {
      if (this.#closing.signal.aborted) throw new Error('the bus is closed');
      const found = find();
      if (found !== undefined) return found;
      const problem = (): string => (this.isBlocked ? `takes no messages now (${this.#blocked})` : `is not there: ${this.#problem}`);
      await within(Math.max(0, until - performance.now()), this.#changed.promise, () => `${this.#options.address.name}, ${problem()}`);
    }
  }

  /** Wakes everybody who waits for a change. */
  #note(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  async #run(): Promise<void> {
    const { log, address, purpose } = this.#options;
    const facts = { broker: address.name, purpose };
    for (let failures = 0; !this.#closing.signal.aborted;) {
      const since = performance.now();
      try {
        await this.#live(() => log('info', 'connected to the broker', facts));
        if (!this.#closing.signal.aborted) log('warn', 'connection to the broker was lost', { ...facts, problem: this.#problem });
        if (performance.now() - since > backoff.maxBackoffMs) failures = 0;
      } catch (error) {
        this.#problem = explain(error);
        if (!this.#closing.signal.aborted) log('warn', 'broker cannot be reached', { ...facts, problem: this.#problem });
      }
      failures += 1;
      await pause(backoffDelayMs(failures, backoff), this.#closing.signal);
    }
  }

  /** Connects, sets up, and returns when the connection has ended. @throws when it cannot be made or set up. */
  async #live(onUp: () => void): Promise<void> {
    const socket = new AbortController();
    const model = await this.#connect(socket);
    const ended = new Promise<void>((resolve) => model.once('close', () => resolve()));
    try {
      const setUp = within(setUpMs, this.#options.setUp(model), () => 'it takes more than a minute to declare the queues');
      const session = await Promise.race([setUp, this.#closed]);
      if (session === undefined || this.#closing.signal.aborted) return;
      this.#session = session;
      this.#note();
      onUp();
      await Promise.race([ended, this.#closed]);
    } finally {
      this.#session = undefined;
      this.#blocked = undefined;
      await isWithin(closeMs, closeModel(model));
      socket.abort();
    }
  }

  async #connect(socket: AbortController): Promise<ChannelModel> {
    const { address, purpose } = this.#options;
    const { connect } = await import('amqplib'); // only here, so that an embedded installation never loads it
    const abort = (): void => socket.abort();
    const timer = setTimeout(abort, connectMs);
    this.#closing.signal.addEventListener('abort', abort);
    // `signal` is the only way to end a socket whose other side does not answer; amqplib passes it on to net.connect or tls.connect.
    const options: SocketOptions & { signal: AbortSignal } = {
      noDelay: true,
      timeout: connectMs,
      signal: socket.signal,
      clientProperties: { connection_name: `kinora ${purpose} ${hostname()} ${process.pid}` },
    };
    try {
      const model = await connect(address.options, options);
      this.#watch(model);
      return model;
    } finally {
      clearTimeout(timer);
      this.#closing.signal.removeEventListener('abort', abort);
    }
  }

  #watch(model: ChannelModel): void {
    const { log, address } = this.#options;
    model.setMaxListeners(0); // each subscription hears of its end
    model.on('error', (error) => (this.#problem = explain(error)));
    model.on('close', (error?: Error) => {
      if (error) this.#problem = explain(error);
      this.#session = undefined;
    });
    model.on('blocked', (reason: string) => {
      this.#blocked = reason;
      log('warn', 'broker takes no messages', { broker: address.name, reason });
    });
    model.on('unblocked', () => {
      this.#blocked = undefined;
      log('info', 'broker takes messages again', { broker: address.name });
      this.#note();
    });
  }
}

async function closeModel(model: ChannelModel): Promise<void> {
  try {
    await model.close();
  } catch {
    // It has ended already, which is what was wanted.
  }
}
