/** A MongoDB of a test's own, to kill and to keep away: of the kind that answers at MONGODB_URL, which runs on this machine. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { until } from './until.ts';

export interface OwnServer {
  readonly port: number;
  start(): Promise<void>;
  /** SIGKILL, then waits for the end; data are kept. */
  kill(): Promise<void>;
  /** Kills it and removes its data. */
  dispose(): Promise<void>;
}

/** What is known of the server at `url`; nx-27017 calls itself so. */
export async function serverStatus(url: string): Promise<{ readonly pid: number; readonly process: string }> {
  const client = new MongoClient(url, { serverSelectionTimeoutMS: 5_000 });
  try {
    const { pid, process: name } = await client.db('admin').command({ serverStatus: 1 });
    return { pid: Number(pid), process: String(name) };
  } finally {
    await client.close();
  }
}

/** A server that is not started yet. */
export async function ownServer(url: string): Promise<OwnServer> {
  const { pid, process: name } = await serverStatus(url);
  const line = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0');
  const [program = '', ...script] = line.slice(
    0,
    line.findIndex((word) => word.startsWith('-')),
  );
  const folder = await mkdtemp(join(tmpdir(), 'kinora-mongodb-'));
  const port = await freePort();
  const nx = ['--data-dir', folder, '-p', String(port), '--pid-file', join(folder, 'pid'), '--log-file', join(folder, 'log')];
  const options = name.startsWith('nx') ? nx : ['--dbpath', folder, '--port', String(port), '--bind_ip', '127.0.0.1'];
  let running: ChildProcess | undefined;
  const kill = async (): Promise<void> => {
    if (!running || running.exitCode !== null || running.signalCode !== null) return;
    const ended = once(running, 'exit');
    running.kill('SIGKILL');
    await ended;
  };
  return {
    port,
    async start() {
      running = spawn(program, [...script, ...options], { stdio: 'ignore' });
      await until('the server answers', () => answers(port));
    },
    kill,
    async dispose() {
      await kill();
      await rm(folder, { recursive: true });
    },
  };
}

async function freePort(): Promise<number> {
  const listener = createServer().listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;
  listener.close();
  return port;
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false));
    socket.on('connect', () => socket.destroy());
  });
}
