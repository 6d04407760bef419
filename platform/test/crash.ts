/**
 * Kills an installation again and again while clients use it, and shows that nothing acknowledged is lost and nothing is applied twice.
 * One process over files is killed at random moments. With `--services` it is a process for each replica of each service, killed at every
 * named step, over servers that are killed and that they are cut off from.
 */
import { parseArgs } from 'node:util';
import type { ServerCommands } from './crash/faults.ts';
import { crashOne } from './crash/one.ts';
import { crashAtScale } from './crash/scale.ts';

const usage = `npm run crash -- [--rounds 30] [--seed 1]
  --services           a process for each replica of each service, over the servers in the environment
  --replicas N         how many replicas of each (default: 2)
  --embedded           over files that all processes share instead of servers
  --kill-rabbitmq COMMAND --start-rabbitmq COMMAND
  --kill-mongodb COMMAND --start-mongodb COMMAND
                       kills and starts that server too; each command returns when it is done`;

/** Ends the run with a sentence and how it is used. */
function refuse(sentence: string): never {
  process.stderr.write(`${sentence}\n${usage}\n`);
  process.exit(2);
}

function readFlags() {
  try {
    return parseArgs({
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
    }).values;
  } catch (error) {
    return refuse((error as Error).message);
  }
}

const values = readFlags();

/** A whole number of at least `least`: a run of no rounds would pass. */
function count(name: 'rounds' | 'seed' | 'replicas', least: number): number {
  const number = Number(values[name]);
  return Number.isSafeInteger(number) && number >= least
    ? number
    : refuse(`--${name} takes a whole number from ${least}, not ${values[name]}`);
}

function commands(server: 'rabbitmq' | 'mongodb'): Partial<Record<'rabbitmq' | 'mongodb', ServerCommands>> {
  const [kill, start] = [values[`kill-${server}`], values[`start-${server}`]];
  if ((kill === undefined) !== (start === undefined)) refuse(`--kill-${server} and --start-${server} go together`);
  return kill === undefined || start === undefined ? {} : { [server]: { kill, start } };
}

const rounds = count('rounds', 1);
const seed = count('seed', 0);
const isWell = values.services
  ? await crashAtScale({
      rounds,
      seed,
      replicas: count('replicas', 1),
      isEmbedded: values.embedded,
      servers: { ...commands('rabbitmq'), ...commands('mongodb') },
    })
  : await crashOne(rounds, seed);
// Not by letting the event loop run empty: Node 26 has been seen to spin for ever while it frees handles of sockets that were reset.
process.exit(isWell ? 0 : 1);
