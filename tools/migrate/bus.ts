/**
 * What is on its way when the old installation stops: waiting events and commands, and dead letters, brought from one bus to another.
 *
 * The source keeps what it has. Its messages are taken, held without an answer, and given back by closing the bus. On the target everything is
 * published, and as that puts a copy into the queue of every receiver, each queue is then sorted out: what belongs there stays, what was dead
 * dies again, the rest goes. So it may be repeated, and what an interrupted run left is put right.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { NonRetryableError, type Bus, type Envelope, type Handler, type QueueDepth } from '@kinora/messaging';
import { topology } from '@kinora/contracts';
import { UsageError } from './place.ts';

/** A message in one queue. */
export interface Letter {
  readonly queue: string;
  readonly envelope: Envelope;
  /** Why it is dead; undefined while it waits. */
  readonly error: string | undefined;
}

export interface BusOutcome {
  readonly queues: readonly { readonly queue: string; readonly waiting: number; readonly dead: number }[];
}

/** A retry waits for a minute and a fifth at most: by then every message has come. */
const patienceMs = 90_000;
const pollMs = 50;
/** Consumers look through what they hold, so several share a long queue. */
const heldPerSubscription = 5_000;
const publishBatch = 200;

const queues = Object.entries(topology).flatMap(([type, services]) =>
  services.map((service) => ({ queue: `${service}.${type}`, service, type })),
);

/** Polls `isDone` until it is; @throws {UsageError} with `what` after the patience */
async function until(what: string, bus: Bus, signal: AbortSignal, isDone: (depths: readonly QueueDepth[]) => boolean): Promise<void> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    const depths = await bus.depths();
    if (isDone(depths)) return;
    if (performance.now() > deadline) throw new UsageError(what);
    await delay(pollMs, undefined, { signal });
  }
}

/** Gives no answer until the bus closes; then the message is given back as if it had not been taken. */
const hold = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(new Error('held until the bus closed')), { once: true }));

/** Takes all of the `count` messages that a queue has. */
function takeAll(bus: Bus, queue: { readonly service: string; readonly type: string }, count: number, handler: Handler): void {
  for (let left = count; left > 0; left -= heldPerSubscription)
    bus.subscribe({ ...queue, handler, prefetch: Math.min(left, heldPerSubscription), maxAttempts: Number.MAX_SAFE_INTEGER });
}

/** The most that may be in `queue`: what waits for its time may be counted in a row of its own. */
function mostIn(depths: readonly QueueDepth[], queue: string): number {
  const isElsewhere = (row: QueueDepth): boolean => row.queue !== queue && queues.some((each) => each.queue === row.queue);
  return depths.filter((row) => !isElsewhere(row)).reduce((sum, { waiting, underWay }) => sum + waiting + underWay, 0);
}

async function deadLettersOf(bus: Bus, { queue, dead }: QueueDepth): Promise<Letter[]> {
  if (dead === 0) return [];
  return (await bus.deadLetters(queue, dead)).map(({ envelope, error }) => ({ queue, envelope, error }));
}

/**
 * Everything in the queues of `bus`, which nobody else may be taking from; closes it, whereby all of it is there as before.
 * @throws {UsageError} when somebody else takes messages
 */
export async function readLetters(bus: Bus, signal: AbortSignal): Promise<readonly Letter[]> {
  const letters: Letter[] = [];
  try {
    const depths = await bus.depths();
    const held = new Map<string, number>();
    for (const depth of depths) letters.push(...(await deadLettersOf(bus, depth)));
    for (const { queue, service, type } of queues)
      takeAll(bus, { service, type }, mostIn(depths, queue), ({ envelope, signal: closing }) => {
        letters.push({ queue, envelope, error: undefined });
        held.set(queue, (held.get(queue) ?? 0) + 1);
        return hold(closing);
      });
    await until(
      'Not every waiting message of the source could be read: a service of the source still takes messages. Stop it.',
      bus,
      signal,
      (now) => now.every(({ queue, waiting, underWay }) => waiting === 0 && underWay === (held.get(queue) ?? 0)),
    );
  } finally {
    await bus.close(0);
  }
  return letters;
}

/** What should become of a message in a queue of the target. */
class Wanted {
  readonly #letters = new Map<string, Letter>();
  readonly #met = new Set<string>();

  constructor(letters: readonly Letter[]) {
    for (const letter of letters) this.#letters.set(Wanted.#key(letter.queue, letter.envelope), letter);
  }

  static #key(queue: string, { id }: Envelope): string {
    return `${queue} ${id}`;
  }

  /** The letter, when the message belongs into the queue and is the first copy of it. */
  meet(queue: string, envelope: Envelope): Letter | undefined {
    const key = Wanted.#key(queue, envelope);
    if (this.#met.has(key)) return undefined;
    const letter = this.#letters.get(key);
    if (letter) this.#met.add(key);
    return letter;
  }

  count(queue: string, isDead: boolean): number {
    let count = 0;
    for (const letter of this.#letters.values()) if (letter.queue === queue && (letter.error !== undefined) === isDead) count += 1;
    return count;
  }
}

/** The error of a dead letter, without what an earlier move has put before it. */
const textOf = (error: string): string => error.replace(/^(NonRetryableError: )+/, '');

async function publishAll(bus: Bus, letters: readonly Letter[]): Promise<void> {
  const envelopes = [...new Map(letters.map(({ envelope }) => [envelope.id, envelope])).values()];
  for (let at = 0; at < envelopes.length; at += publishBatch) await bus.publish(envelopes.slice(at, at + publishBatch));
}

/**
 * Makes the queues of `bus`, which nobody else may be taking from, hold exactly `letters`; closes it.
 * What waited for a later time is due at once, and attempts are counted afresh.
 * @throws {UsageError} when somebody else takes messages
 */
export async function writeLetters(bus: Bus, letters: readonly Letter[], signal: AbortSignal): Promise<BusOutcome> {
  const wanted = new Wanted(letters);
  const outcome = { queues: queues.map(({ queue }) => ({ queue, waiting: wanted.count(queue, false), dead: wanted.count(queue, true) })) };
  try {
    for (const { queue, dead } of await bus.depths()) if (dead > 0) await bus.redrive(queue);
    await publishAll(bus, letters);
    if ((await bus.depths()).some(({ waiting }) => waiting > 0)) await sortOut(bus, wanted, signal);
  } finally {
    await bus.close(0);
  }
  return outcome;
}

async function sortOut(bus: Bus, wanted: Wanted, signal: AbortSignal): Promise<void> {
  const depths = await bus.depths();
  for (const { queue, service, type } of queues)
    takeAll(bus, { service, type }, mostIn(depths, queue), async ({ envelope, signal: closing }) => {
      const letter = wanted.meet(queue, envelope);
      if (!letter) return;
      if (letter.error === undefined) return hold(closing);
      throw new NonRetryableError(textOf(letter.error));
    });
  const isSorted = (now: readonly QueueDepth[]): boolean =>
    now.every(
      ({ queue, waiting, underWay, dead }) =>
        waiting === 0 && underWay === wanted.count(queue, false) && dead === wanted.count(queue, true),
    );
  await until(
    'The queues of the target do not hold what they should: a service of the target runs already. Stop it.',
    bus,
    signal,
    isSorted,
  );
}

/** Depths as they can be compared: what is under way in nobody's hands counts as waiting. Queues that are empty are left out. */
export const compareDepths = (depths: readonly QueueDepth[]): readonly { queue: string; waiting: number; dead: number }[] =>
  depths
    .map(({ queue, waiting, underWay, dead }) => ({ queue, waiting: waiting + underWay, dead }))
    .filter(({ waiting, dead }) => waiting + dead > 0)
    .sort((a, b) => (a.queue < b.queue ? -1 : 1));
