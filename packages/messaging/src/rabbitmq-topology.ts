/**
 * What the adapter declares in its virtual host, always with the same arguments on every version, so that declaring again never conflicts.
 *
 * Events go through `kinora.events` by their type into one queue per receiver; a new receiver binds its own, and publishers need not know of it.
 * A delay is a chain of queues with a time to live of 100 ms, 200 ms, 400 ms …: the routing key begins with the delay in binary, one word per
 * queue, and says whether the message waits there or goes on. As all messages of one queue wait equally long, none waits behind another.
 * Dead-lettering from queue to queue is at least once, so nothing is lost when the broker dies on the way..
 */
import type { Channel, Options } from 'amqplib';
import type { Topology } from './port.ts';

export const exchanges = {
  /** Type → queues of the receivers. */
  events: 'kinora.events',
  /** Type → queues of the processes that listen. */
  live: 'kinora.live',
  /** To every process with subscriptions. */
  ask: 'kinora.ask',
  /** Where delayed messages go when they are due. */
  due: 'kinora.due',
} as const;

/** Never holds a message; each process with subscriptions consumes from it, so that they can be counted. */
export const processesQueue = 'kinora.processes';

const delaySteps = 16;
const delayStepMs = 100;

/** Redeliveries that the broker allows before it moves a message to the dead letters itself; consumers do so much earlier. */
const deliveryLimit = 1_000;
/** Looking at a dead letter counts as a delivery for the broker; RabbitMQ 4 would drop it after 20. */
const deadDeliveryLimit = 1_000_000_000;

const quorum = { 'x-queue-type': 'quorum', 'x-queue-leader-locator': 'balanced' } as const;
/** Dead-lettering that waits for the target's confirmation works with this overflow only. */
const safely = { 'x-dead-letter-strategy': 'at-least-once', 'x-overflow': 'reject-publish' } as const;

/** The dead letters of `queue`. */
export const deadQueue = (queue: string): string => `${queue}.dead`;

const delayName = (step: number): string => `kinora.delay.${delayStepMs * 2 ** step}ms`;

/** The queues of the delay chain, shortest first. */
export const delayQueues: readonly string[] = Array.from({ length: delaySteps }, (_, step) => delayName(step));

/** Every `<service>.<type>` of `topology`, in alphabetical order. */
export function queuesOf(topology: Topology): string[] {
  return Object.entries(topology)
    .flatMap(([type, services]) => services.map((service) => `${service}.${type}`))
    .sort();
}

/** How to send something to `queue` after `delayMs`, at most 6 553 500: never earlier, at most 100 ms later when the broker keeps up. */
export function delayRoute(queue: string, delayMs: number): { readonly exchange: string; readonly key: string } {
  const steps = Math.max(1, Math.ceil(delayMs / delayStepMs));
  const bits = steps.toString(2);
  return { exchange: delayName(bits.length - 1), key: `${[...bits.padStart(delaySteps, '0')].join('.')}.${queue}` };
}

/** A queue that keeps what one process has had under way for long; what nobody takes from it within seconds goes back to `queue`. */
export function heldQueueOptions(queue: string): Options.AssertQueue {
  return {
    arguments: { ...quorum, ...safely, 'x-message-ttl': 10_000, 'x-expires': 3_600_000, ...deadLettersTo('', queue) },
  };
}

const deadLettersTo = (exchange: string, key?: string) => ({
  'x-dead-letter-exchange': exchange,
  ...(key === undefined ? {} : { 'x-dead-letter-routing-key': key }),
});

/** Declares all of it. Takes some milliseconds when it exists, some hundred when it does not. @throws when something of a name exists otherwise. */
export async function declareTopology(channel: Channel, topology: Topology): Promise<void> {
  for (const exchange of [exchanges.events, exchanges.live]) await channel.assertExchange(exchange, 'direct');
  await channel.assertExchange(exchanges.ask, 'fanout');
  await channel.assertExchange(exchanges.due, 'topic');
  await channel.assertQueue(processesQueue, { arguments: quorum });
  for (const [type, services] of Object.entries(topology)) {
    for (const service of services) await declareReceiver(channel, `${service}.${type}`, type);
  }
  for (let step = 0; step < delaySteps; step += 1) await declareDelay(channel, step);
}

async function declareReceiver(channel: Channel, queue: string, type: string): Promise<void> {
  await channel.assertQueue(deadQueue(queue), { arguments: { ...quorum, 'x-delivery-limit': deadDeliveryLimit } });
  await channel.assertQueue(queue, {
    arguments: { ...quorum, ...safely, 'x-delivery-limit': deliveryLimit, ...deadLettersTo('', deadQueue(queue)) },
  });
  await channel.bindQueue(queue, exchanges.events, type);
  await channel.bindQueue(queue, exchanges.due, `${'*.'.repeat(delaySteps)}${queue}`);
}

async function declareDelay(channel: Channel, step: number): Promise<void> {
  const name = delayName(step);
  const next = step === 0 ? exchanges.due : delayName(step - 1);
  const before = '*.'.repeat(delaySteps - 1 - step);
  await channel.assertExchange(name, 'topic');
  await channel.assertQueue(name, {
    arguments: { ...quorum, ...safely, 'x-message-ttl': delayStepMs * 2 ** step, ...deadLettersTo(next) },
  });
  await channel.bindQueue(name, name, `${before}1.#`);
  await channel.bindExchange(next, name, `${before}0.#`);
}
