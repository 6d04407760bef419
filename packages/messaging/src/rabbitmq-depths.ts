import type { Channel } from 'amqplib';
import type { ProcessQueue } from './rabbitmq-process.ts';
import { deadQueue, delayQueues } from './rabbitmq-topology.ts';
import type { QueueDepth } from './port.ts';

/** Name of the row that counts what waits for its time, which the broker keeps together for all queues. */
const delayedRow = 'kinora.delay';

/**
 * Counts messages along the way they take: waiting, under way, delayed or dead, and what waits once more, so that one that moves on
 * meanwhile is counted twice rather than not at all.
 */
export async function countMessages(channel: Channel, queues: readonly string[], processes: ProcessQueue): Promise<readonly QueueDepth[]> {
  const before = await countReady(channel, queues);
  const answers = await processes.ask();
  const [delayed, dead] = [await countReady(channel, delayQueues), await countReady(channel, queues.map(deadQueue))];
  const after = await countReady(channel, queues);
  const rows = queues.map((queue, index) => ({
    queue,
    waiting: Math.max(before[index] ?? 0, after[index] ?? 0),
    underWay: sum(answers.map((answer) => answer[queue] ?? 0)),
    dead: dead[index] ?? 0,
  }));
  const later = sum(delayed);
  return later === 0 ? rows : [...rows, { queue: delayedRow, waiting: later, underWay: 0, dead: 0 }];
}

async function countReady(channel: Channel, queues: readonly string[]): Promise<number[]> {
  const counts: number[] = [];
  for (const queue of queues) counts.push((await channel.checkQueue(queue)).messageCount);
  return counts;
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0);
