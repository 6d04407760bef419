import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
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

export interface BrokerSettings {
  /** Lines of rabbitmq.conf. */
  readonly settings?: readonly string[];
  /** Erlang terms of the application rabbit. */
  readonly terms?: readonly string[];
}

/** What differs between a process of this machine and a container. */
interface Kind {
  kill(): Promise<void>;
  start(): Promise<void>;
  control(...args: readonly string[]): Promise<void>;
  remove(): Promise<void>;
}

const run = promisify(execFile);

/** Starts a broker: a container of the image that RABBITMQ_IMAGE names, else a process. @throws when RabbitMQ is not installed. */
export async function startBroker({ settings = [], terms = [] }: BrokerSettings = {}): Promise<Broker> {
  const { RABBITMQ_IMAGE: image } = process.env;
  const folder = await mkdtemp(join(tmpdir(), 'kinora-rabbitmq-'));
  const port = await freePort();
  const listener = image === undefined ? `listeners.tcp.default = 127.0.0.1:${port}` : 'loopback_users = none';
  await writeFile(join(folder, 'rabbitmq.conf'), [...settings, listener, ''].join('\n'));
  await writeFile(join(folder, 'advanced.config'), `[{rabbit, [${terms.join(', ')}]}].\n`);
  await writeFile(join(folder, 'enabled_plugins'), '[].\n');
  const broker = image === undefined ? await brokerProcess(folder, port) : await brokerContainer(folder, port, image);
  const start = async (): Promise<void> => {
    await broker.start();
    await until('the broker answers', () => answers(port));
  };
  await start();
  return {
    url: `amqp://guest:guest@127.0.0.1:${port}`,
    port,
    kill: () => broker.kill(),
    start,
    control: (...args) => broker.control(...args),
    dispose: async () => {
      await broker.remove();
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

async function brokerProcess(folder: string, port: number): Promise<Kind> {
  const program = findProgram();
  const env = {
    PATH: process.env['PATH'],
    HOME: folder,
    RABBITMQ_NODENAME: `kinora-${port}@localhost`,
    RABBITMQ_DIST_PORT: String(await freePort()),
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
  return {
    kill,
    start: () => Promise.resolve(void (running = spawn(program, [], { env, stdio: 'ignore', detached: true }))),
    control: async (...args) => void (await run(join(dirname(program), 'rabbitmqctl'), args, { env })),
    remove: kill,
  };
}

/** Its data are in a volume of the container, which goes with it. */
async function brokerContainer(folder: string, port: number, image: string): Promise<Kind> {
  await chmod(folder, 0o755); // read by another account
  const env = {
    RABBITMQ_NODENAME: 'kinora@localhost',
    RABBITMQ_CONFIG_FILE: '/settings/rabbitmq.conf',
    RABBITMQ_ADVANCED_CONFIG_FILE: '/settings/advanced.config',
    RABBITMQ_ENABLED_PLUGINS_FILE: '/settings/enabled_plugins',
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '+sbwt none +S 1:1',
  };
  const variables = Object.entries(env).flatMap(([name, value]) => ['--env', `${name}=${value}`]);
  const places = ['--publish', `127.0.0.1:${port}:5672`, '--volume', `${folder}:/settings:ro`];
  const { stdout } = await run('docker', ['create', '--init', ...places, ...variables, image]);
  const id = stdout.trim();
  return {
    kill: async () => void (await run('docker', ['kill', id])),
    start: async () => void (await run('docker', ['start', id])),
    control: async (...args) => void (await run('docker', ['exec', id, 'rabbitmqctl', ...args])),
    remove: async () => void (await run('docker', ['rm', '--force', '--volumes', id])),
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
