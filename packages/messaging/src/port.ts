/**
 * The Bus port: durable queues, at least once, any order. `test/conformance.ts` holds every adapter to this.
 *
 * An event is copied into one queue per receiving service, named `<service>.<type>`; replicas of a service compete for it.
 * A command type has exactly one receiver. The queues of every type in the topology exist from `ready` on, so an event
 * published while its receiver has never run is kept for it.
 */

/** A message as it travels: CloudEvents 1.0 attribute names, JSON data. */
export interface Envelope<T = unknown> {
  readonly specversion: '1.0';
  /** Unique per message; a redelivery has the same id. */
  readonly id: string;
  /** Emitting service. */
  readonly source: string;
  readonly type: string;
  /** Id of what it is about, e.g. a video id. */
  readonly subject?: string;
  /** ISO 8601 instant of the fact. */
  readonly time: string;
  /** Request that caused it, for logs. */
  readonly requestid?: string;
  readonly data: T;
}

/** Message type → services that receive it. */
export type Topology = Readonly<Record<string, readonly string[]>>;

export interface Delivery<T = unknown> {
  readonly envelope: Envelope<T>;
  /** 1 for the first delivery. */
  readonly attempt: number;
  /** Aborts when the bus is closing, or somebody else is known to have the message now; a handler may stop early then, and the message comes back. */
  readonly signal: AbortSignal;
}

/** Return = acknowledged. `NonRetryableError` = dead letter at once. Any other throw = retry with backoff, then dead letter. */
export type Handler<T = unknown> = (delivery: Delivery<T>) => Promise<void>;

export interface SubscribeOptions {
  /** Receiving service. */
  readonly service: string;
  readonly type: string;
  readonly handler: Handler;
  /** Deliveries under way at once in this process. Default 8. */
  readonly prefetch?: number;
  /** Deliveries before the dead letter. Default 8. */
  readonly maxAttempts?: number;
  /** First wait before a retry; doubles up to `maxBackoffMs`, with ±20 % jitter. Default 500. */
  readonly backoffMs?: number;
  /** At most 3 000 000. Default 60 000. */
  readonly maxBackoffMs?: number;
}

export interface Subscription {
  /** Takes no more deliveries, waits for those under way. Idempotent. */
  stop(): Promise<void>;
}

export interface PublishOptions {
  /** Not delivered before this many milliseconds have passed; at most an hour. Default 0. */
  readonly delayMs?: number;
}

/**
 * Messages of one queue. All rows are 0 only when nothing is left (but see README.md for the minutes after a broker's crash); while messages move,
 * a snapshot may count one twice.
 * An adapter that keeps what waits for its time apart from the queues counts it in one row more, which is there only while there is any.
 */
export interface QueueDepth {
  readonly queue: string;
  /** Waiting for delivery, now or (but see above) later. */
  readonly waiting: number;
  /** With a handler, in any process. */
  readonly underWay: number;
  readonly dead: number;
}

export interface DeadLetter {
  /** As published; one made up around it when what came was no envelope. */
  readonly envelope: Envelope;
  /** Of the last delivery. */
  readonly error: string;
  /** ISO 8601 instant. */
  readonly diedAt: string;
}

export interface Bus {
  /**
   * Resolves when every message is durable in every receiver's queue. A type outside the topology, or one message too large, is an error
   * before any is sent. After another error all may be there, or none, or (not with sqlite) some: publish again; receivers know events by their id.
   */
  publish(envelopes: Envelope | readonly Envelope[], options?: PublishOptions): Promise<void>;
  /** Starts delivering from `<service>.<type>`. Several subscriptions, in one process or many, compete. */
  subscribe(options: SubscribeOptions): Subscription;
  /**
   * Every message of `types` published from now on (by others: once `ready` resolves again), once to each listener in each process,
   * at most once, never stored for it: for live pages, not for state. A throw is logged and forgotten.
   */
  listen(types: readonly string[], handler: (envelope: Envelope) => void): Subscription;
  depths(): Promise<readonly QueueDepth[]>;
  /** Moves the dead letters of a queue back to its end with a fresh attempt count; returns how many. Interrupted, it may leave some in both places. */
  redrive(queue: string): Promise<number>;
  /** Dead letters of a queue with the last error, oldest first, at most `limit` (default 100). */
  deadLetters(queue: string, limit?: number): Promise<readonly DeadLetter[]>;
  /** Resolves when the queues of the topology exist, and what is listened to is heard. @throws an Error for people, without a password, when they do not within half a minute. */
  ready(): Promise<void>;
  /** Resolves when the broker answers. @throws when it does not within some seconds. */
  ping(): Promise<void>;
  /** Stops every subscription, waits for handlers under way (at most `graceMs`, default 10 000, then aborts their signals), closes. */
  close(graceMs?: number): Promise<void>;
}

/** Thrown by a handler for a message that can never succeed: straight to the dead letter. */
export class NonRetryableError extends Error {
  override readonly name = 'NonRetryableError';
}
