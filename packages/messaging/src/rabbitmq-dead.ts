import type { Channel, ChannelModel, GetMessage } from 'amqplib';
import { pause } from './deadline.ts';
import { copyOf, envelopeOf, notesOf } from './rabbitmq-message.ts';
import { closeChannel, openChannel, type Publisher } from './rabbitmq-publisher.ts';
import { deadQueue } from './rabbitmq-topology.ts';
import type { DeadLetter, Envelope } from './port.ts';

/** Dead letters that are on their way back together. */
const batch = 64;
/** How long a look may wait until the broker has put back what was looked at. */
const settleMs = 2_000;

/** Runs `work` on a channel of its own. @throws when the channel ends before: amqplib lets a `get` wait for ever when that happens in the middle of a message. */
export async function withChannel<T>(model: ChannelModel, work: (channel: Channel) => Promise<T>): Promise<T> {
  const channel = await openChannel(model);
  const ended = new Promise<never>((_, reject) => channel.once('close', () => reject(new Error('the connection was lost'))));
  try {
    return await Promise.race([work(channel), ended]);
  } finally {
    ended.catch(() => undefined);
    await closeChannel(channel);
  }
}

/** Looks at the first `limit` dead letters of `queue` and leaves them where they are, in the same order. */
export async function lookAtDeadLetters(channel: Channel, queue: string, limit: number): Promise<readonly DeadLetter[]> {
  const name = deadQueue(queue);
  const messages = await getUpTo(channel, name, limit);
  if (messages.length === 0) return [];
  channel.nackAll(true);
  // Nobody tells when they are back; a redrive right after this would miss them before.
  for (const until = performance.now() + settleMs; performance.now() < until; await pause(5)) {
    if ((await channel.checkQueue(name)).messageCount >= messages.length) break;
  }
  return messages.map(deadLetterOf).sort((one, other) => one.diedAt.localeCompare(other.diedAt));
}

/** Publishes what the dead letters of `queue` hold now to the queue itself, then removes them there. Killed half-way, it leaves duplicates. */
export async function redriveDeadLetters(channel: Channel, queue: string, publisher: Publisher): Promise<number> {
  const name = deadQueue(queue);
  const { messageCount } = await channel.checkQueue(name);
  let moved = 0;
  while (moved < messageCount) {
    const messages = await getUpTo(channel, name, Math.min(batch, messageCount - moved));
    if (messages.length === 0) break;
    await publisher.send(messages.map((message) => copyOf(message, { exchange: '', key: queue }, { attempts: 0 })));
    for (const message of messages) channel.ack(message);
    moved += messages.length;
  }
  return moved;
}

async function getUpTo(channel: Channel, queue: string, limit: number): Promise<GetMessage[]> {
  const messages: GetMessage[] = [];
  while (messages.length < limit) {
    const message = await channel.get(queue);
    if (message === false) break;
    messages.push(message);
  }
  return messages;
}

function deadLetterOf(message: GetMessage): DeadLetter {
  const { error, diedAt } = notesOf(message);
  const [death] = message.properties.headers?.['x-death'] ?? [];
  return {
    envelope: readable(message),
    error: error ?? `moved here by the broker: ${death?.reason ?? 'reason unknown'}`,
    diedAt: diedAt ?? new Date((death?.time.value ?? 0) * 1_000).toISOString(),
  };
}

/** The envelope, or one made up around what is none. */
function readable(message: GetMessage): Envelope {
  try {
    return envelopeOf(message);
  } catch {
    const id = String(message.properties.messageId ?? '');
    const data = message.content.toString().slice(0, 4_000);
    return { specversion: '1.0', id, source: 'unknown', type: 'unreadable', time: new Date(0).toISOString(), data };
  }
}
