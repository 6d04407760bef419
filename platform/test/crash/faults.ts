/** What goes wrong around the services during a round: the network between two of them, or a server. */
import { spawn } from 'node:child_process';
import { pause } from './attempt.ts';
import type { Links } from './links.ts';
import type { TcpProxy } from './proxy.ts';
import { oneOf, randomFrom, wholeFrom, type Random } from './random.ts';

export interface Fault {
  /** For people, e.g. `catalog to mongodb held for 1200 ms`. */
  readonly name: string;
  /** Resolves when it is over and everything works again. */
  run(): Promise<void>;
}

/** Shell commands that kill and start a server. */
export interface ServerCommands {
  readonly kill: string;
  readonly start: string;
}
export type Servers = Readonly<Partial<Record<'rabbitmq' | 'mongodb', ServerCommands>>>;

async function runCommand(command: string): Promise<void> {
  const child = spawn(command, { shell: true, stdio: ['ignore', 'ignore', 'pipe'] });
  let errors = '';
  child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
  // A server that the command leaves running may hold its output open: the exit of the command counts.
  const status = await new Promise((resolve, reject) => child.once('error', reject).once('exit', resolve));
  child.stderr.destroy();
  if (status !== 0) throw new Error(`"${command}" ended with ${String(status)}: ${errors}`);
}

const kill = (name: string, commands: ServerCommands, downMs: number): Fault => ({
  name: `${name} killed and down for ${downMs} ms`,
  async run() {
    await runCommand(commands.kill);
    await pause(downMs);
    await runCommand(commands.start);
  },
});

type Trouble = (name: string, proxy: TcpProxy, random: Random) => Fault;

const cut: Trouble = (name, proxy, random) => {
  const times = wholeFrom(random, 1, 8);
  return {
    name: `${name} cut ${times} times`,
    async run() {
      for (let time = 0; time < times; time += 1) {
        await pause(random() * 300);
        proxy.cut(() => random() < 0.7);
      }
    },
  };
};

const hold: Trouble = (name, proxy, random) => {
  const ms = wholeFrom(random, 300, 4_000);
  const isCut = random() < 0.5;
  return {
    name: `${name} held for ${ms} ms${isCut ? ', then cut' : ''}`,
    async run() {
      proxy.setWeather('held');
      await pause(ms);
      if (isCut) proxy.cut();
      proxy.setWeather('open');
    },
  };
};

const refuse: Trouble = (name, proxy, random) => {
  const ms = wholeFrom(random, 300, 3_000);
  return {
    name: `${name} cut and refused for ${ms} ms`,
    async run() {
      proxy.setWeather('refused');
      proxy.cut();
      await pause(ms);
      proxy.setWeather('open');
    },
  };
};

const slow: Trouble = (name, proxy, random) => {
  const latencyMs = wholeFrom(random, 5, 120);
  const bytesPerSecond = wholeFrom(random, 50, 1_000) * 1_000;
  return {
    name: `${name} slow by ${latencyMs} ms, ${bytesPerSecond / 1_000} kB a second`,
    async run() {
      proxy.setWeather({ latencyMs: () => latencyMs, bytesPerSecond });
      await pause(wholeFrom(random, 500, 3_000));
      proxy.setWeather('open');
    },
  };
};

/** What was sent first on one connection comes after what was sent later on another. */
const scatter: Trouble = (name, proxy, random) => {
  const maxMs = wholeFrom(random, 20, 400);
  // Its own, for how many pieces there are depends on the machine.
  const late = randomFrom(wholeFrom(random, 0, 2 ** 32 - 1));
  return {
    name: `${name} out of order, each piece late by up to ${maxMs} ms`,
    async run() {
      proxy.setWeather({ latencyMs: () => late() * maxMs, bytesPerSecond: Infinity });
      await pause(wholeFrom(random, 500, 3_000));
      proxy.setWeather('open');
    },
  };
};

const troubles = [cut, hold, refuse, slow, scatter] as const;

/** Every twelfth round kills RabbitMQ, which takes seconds to come back; two in twelve kill MongoDB. */
const cycle = 12;
const rabbitmqRound = 4;
const mongodbRounds = [1, 7];

/** The fault of round `number`, if it has one. */
export function chooseFault(number: number, links: Links, servers: Servers, random: Random): Fault | undefined {
  const downMs = wholeFrom(random, 0, 1_500);
  const place = number % cycle;
  if (servers.rabbitmq && place === rabbitmqRound) return kill('rabbitmq', servers.rabbitmq, downMs);
  if (servers.mongodb && mongodbRounds.includes(place)) return kill('mongodb', servers.mongodb, downMs);
  if (random() < 0.35) return undefined;
  const link = oneOf(random, [...links.proxies]);
  const trouble = oneOf(random, troubles);
  return link && trouble?.(...link, random);
}
