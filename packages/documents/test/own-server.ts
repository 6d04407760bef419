/** A MongoDB of a test's own, to kill and to keep away: of the kind that answers at MONGODB_URL. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MongoClient } from 'mongodb';
import { until } from './until.ts';

const run = promisify(execFile);

export interface OwnServer {
  readonly port: number;
  start(): Promise<void>;
  /** SIGKILL, then waits for the end; data are kept. */
  kill(): Promise<void>;
  /** Kills it and removes its data. */
  dispose(): Promise<void>;
}

/** What is known of the server at `url`; nx-27017 and SecantusDB give their own names as that of the process. */
export async function serverStatus(url: string): Promise<{ readonly pid: number; readonly process: string }> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000, directConnection: true });
  try {
    const { pid, process: name } = await client.db('admin').command({ serverStatus: 1 });
    return { pid: Number(pid), process: String(name) };
  } finally {
    await client.close();
  }
}

/** A server that is not started yet: a container of the image that MONGODB_IMAGE names, else a process. */
export async function ownServer(url: string): Promise<OwnServer> {
  const { MONGODB_IMAGE: image } = process.env;
  const port = await freePort();
  const server = image === undefined ? await serverProcess(url, port) : await serverContainer(image, port);
  return {
    port,
    ...server,
    async start() {
      await server.start();
      await until('the server answers', () => isServing(port));
    },
  };
}

/** Of the program that serves `url`. */
async function serverProcess(url: string, port: number): Promise<Omit<OwnServer, 'port'>> {
  const { pid, process: name } = await serverStatus(url);
  const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  const [program = '', ...script] = line.slice(
    0,
    line.findIndex((word) => word.startsWith('-')),
  );
  const folder = await mkdtemp(join(tmpdir(), 'kinora-mongodb-'));
  const options = optionsOf(name, folder, String(port));
  let running: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  };
  return {
    start: () => Promise.resolve(void (running = spawn(program, [...script, ...options], { stdio: 'ignore' }))),
    kill,
    async dispose() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

/** Options with which the server that calls itself `name` keeps its data in `folder` and listens on `port` of loopback. */
function optionsOf(name: string, folder: string, port: string): readonly string[] {
  switch (name) {
    case 'nx_27017':
      return ['--data-dir', folder, '-p', port, '--pid-file', join(folder, 'pid'), '--log-file', join(folder, 'log')];
    case 'secantus':
      return ['--storage-path', folder, '--port', port, '--host', '127.0.0.1'];
    default:
      return ['--dbpath', folder, '--port', port, '--bind_ip', '127.0.0.1'];
  }
}

/** Its data are in a volume of the container, which goes with it. */
async function serverContainer(image: string, port: number): Promise<Omit<OwnServer, 'port'>> {
  // What is in /tmp says of a killed server that it runs.
  const { stdout } = await run('docker', ['create', '--init', '--tmpfs', '/tmp', '--publish', `127.0.0.1:${port}:27017`, image]);
  const id = stdout.trim();
  return {
    start: async () => void (await run('docker', ['start', id])),
    kill: async () => void (await run('docker', ['kill', id])),
    dispose: async () => void (await run('docker', ['rm', '--force', '--volumes', id])),
  };
}

/** An engine takes connections for a container before its program listens: it serves when it answers a request. */
const isServing = (port: number): Promise<boolean> =>
  serverStatus(`mongodb://127.0.0.1:${port}`).then(
    () => true,
    () => false,
  );

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  return port;
}
