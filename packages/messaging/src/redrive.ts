/** Command for operators: lists the dead letters of a queue, or puts them back into it. See README.md. */
import { topology } from '@kinora/contracts';
import { parseArgs } from 'node:util';
import { openBus } from './open.ts';
import type { Bus } from './port.ts';

const usage = 'usage: node packages/messaging/src/redrive.ts [--list] [<service>.<type>]   without a queue: how full every queue is';

async function listQueues(bus: Bus): Promise<void> {
  const depths = await bus.depths();
  console.table(Object.fromEntries(depths.map(({ queue, waiting, underWay, dead }) => [queue, { waiting, underWay, dead }])));
}

async function listDeadLetters(bus: Bus, queue: string): Promise<void> {
  for (const letter of await bus.deadLetters(queue, 1_000)) console.log(JSON.stringify(letter));
}

async function main(): Promise<void> {
  const options = { list: { type: 'boolean', default: false }, help: { type: 'boolean', short: 'h', default: false } } as const;
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const [queue, ...more] = positionals;
  if (values.help || more.length > 0) return console.log(usage);
  const bus = openBus(process.env['BUS_URL'] ?? `sqlite:${process.env['DATA_DIR'] ?? './data'}/bus.sqlite`, { topology });
  try {
    await bus.ready();
    if (queue === undefined) await listQueues(bus);
    else if (values.list) await listDeadLetters(bus, queue);
    else console.log(`${await bus.redrive(queue)} messages go back to ${queue}`);
  } finally {
    await bus.close();
  }
}

try {
  await main();
} catch (error) {
  console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`);
  process.exitCode = 1;
}
