/**
 * Kills an installation again and again while clients use it, and shows that nothing acknowledged is lost and nothing is applied twice.
 *   npm run crash -- [--rounds 30] [--seed 1]                        one process over files, killed at random moments
 *   npm run crash -- --services [--replicas 2] [--embedded]          a process for each replica of each service, killed at every named step,
 *                                                                    over the servers in the environment (or over files), cut off from them
 *     [--kill-rabbitmq COMMAND --start-rabbitmq COMMAND]             … and those servers killed, by commands that return when it is done
 *     [--kill-mongodb COMMAND --start-mongodb COMMAND]
 */
import { parseArgs } from 'node:util';
import type { ServerCommands } from './crash/faults.ts';
import { crashOne } from './crash/one.ts';
import { crashAtScale } from './crash/scale.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '30' },
    seed: { type: 'string', default: '1' },
    services: { type: 'boolean', default: false },
    embedded: { type: 'boolean', default: false },
    replicas: { type: 'string', default: '2' },
    'kill-rabbitmq': { type: 'string' },
    'start-rabbitmq': { type: 'string' },
    'kill-mongodb': { type: 'string' },
    'start-mongodb': { type: 'string' },
  },
});

function commands(server: 'rabbitmq' | 'mongodb'): Partial<Record<'rabbitmq' | 'mongodb', ServerCommands>> {
  const [kill, start] = [values[`kill-${server}`], values[`start-${server}`]];
  if ((kill === undefined) !== (start === undefined)) throw new Error(`--kill-${server} and --start-${server} go together`);
  return kill === undefined || start === undefined ? {} : { [server]: { kill, start } };
}

const rounds = Number(values.rounds);
const seed = Number(values.seed);
const isWell = values.services
  ? await crashAtScale({
      rounds,
      seed,
      replicas: Number(values.replicas),
      isEmbedded: values.embedded,
      servers: { ...commands('rabbitmq'), ...commands('mongodb') },
    })
  : await crashOne(rounds, seed);
// Not by letting the event loop run empty: Node 26 has been seen to spin for ever while it frees handles of sockets that were reset.
process.exit(isWell ? 0 : 1);
