import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { until } from './until.ts';

/** A RabbitMQ of a test's own, to kill and to configure. */
export interface Broker {
  readonly url: string;
  readonly port: number;
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>;
  /** Starts it again on the same data. */
  start(): Promise<void>;
  /** Runs `rabbitmqctl` on it. */
  control(...args: readonly string[]): Promise<void>;
  /** Kills it and removes its data. */
  dispose(): Promise<void>;
}

/** Starts a broker with `settings` (lines of rabbitmq.conf) and `terms` (Erlang terms of the application rabbit). @throws when RabbitMQ is not installed. */
export async function startBroker({
  settings = [],
  terms = [],
}: { settings?: readonly string[]; terms?: readonly string[] } = {}): Promise<Broker> {
  const program = findProgram();
  const folder = await mkdtemp(join(tmpdir(), 'kinora-rabbitmq-'));
  const [port, distribution] = [await freePort(), await freePort()];
  await writeFile(join(folder, 'rabbitmq.conf'), [...settings, 'listeners.tcp.default = 127.0.0.1:' + port, ''].join('\n'));
  await writeFile(join(folder, 'advanced.config'), `[{rabbit, [${terms.join(', ')}]}].\n`);
  await writeFile(join(folder, 'enabled_plugins'), '[].\n');
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    RABBITMQ_NODENAME: `kinora-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(distribution),
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'enabled_plugins'),
    ERL_CRASH_DUMP: join(folder, 'erl_crash.dump'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +S 1:1',
  };
  let running: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    const { promise, resolve } = Promise.withResolvers<void>();
    if (!running?.pid || running.exitCode !== null || running.signalCode !== null) return;
    running.once('close', () => resolve());
    process.kill(-running.pid, 'SIGKILL'); // the start script and the node are one process group
    await promise;
  };
  const start = async (): Promise<void> => {
    const broker = spawn(program, [], { env, stdio: 'ignore', detached: true });
    running = broker;
    await until('the broker answers', () => answers(port));
  };
  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    kill,
    start,
    control: async (...args) => void (await promisify(execFile)(join(dirname(program), 'rabbitmqctl'), args, { env })),
    dispose: async () => {
      await kill();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** `rabbitmq-server` on PATH is a wrapper on Debian that insists on its own user and folders; the one behind it does not. */
function findProgram(): string {
  const folders = ['/usr/lib/rabbitmq/bin', ...(process.env['PATH'] ?? '').split(delimiter)];
  const program = folders.map((folder) => join(folder, 'rabbitmq-server')).find((path) => existsSync(path));
  if (program === undefined) throw new Error('this test starts a RabbitMQ of its own: install rabbitmq-server');
  return program;
}

/** True when something greets in AMQP on `port`; a node listens some time before it does. */
function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('AMQP\x00\x00\x09\x01'));
    const end = (isAnswer: boolean): void => {
      socket.destroy();
      resolve(isAnswer);
    };
    socket.once('data', () => end(true));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.setTimeout(2_000, () => end(false));
  });
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
