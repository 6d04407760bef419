/** An installation of Kinora for tests from outside: started as people start it, spoken to as clients speak to it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
export const admin = { email: 'admin@example.com', password: 'correct horse battery', name: 'Admin' };

/** A port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Polls `probe` until it gives something; an error after `deadlineMs` says what was waited for. */
export async function eventually<T>(what: string, deadlineMs: number, probe: () => Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + deadlineMs;
  for (;;) {
    const found = await probe().catch((error: unknown) => {
      if (Date.now() > deadline) throw error;
      return undefined;
    });
    if (found !== undefined) return found;
    if (Date.now() > deadline) throw new Error(`waited ${deadlineMs} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export class Installation {
  readonly dataDir: string;
  readonly port: number;
  readonly url: string;
  readonly #env: Record<string, string | undefined>;
  #child: ChildProcess | undefined;
  /** What the running child has printed. */
  output = '';

  private constructor(dataDir: string, port: number, env: Record<string, string | undefined>) {
    this.dataDir = dataDir;
    this.port = port;
    this.url = `http://localhost:${port}`;
    this.#env = env;
  }

  /** An empty data folder and a free port; nothing runs yet. Settings in `env` that are undefined are not set, such as those of the admin. */
  static async create(env: Record<string, string | undefined> = {}): Promise<Installation> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'kinora-installation-'));
    return new Installation(dataDir, await freePort(), env);
  }

  /** Runs `npm start` (or, with `direct`, the script behind it) and resolves when it is ready. */
  async start({ direct = false, deadlineMs = 120_000 } = {}): Promise<void> {
    const [command, args] = direct ? [process.execPath, ['tools/start.js']] : ['npm', ['start', '--silent']];
    this.output = '';
    const child = spawn(command, args, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        ACCOUNTS_ADMIN_EMAIL: admin.email,
        ACCOUNTS_ADMIN_PASSWORD: admin.password,
        ...this.#env,
        PORT: String(this.port),
        DATA_DIR: this.dataDir,
      },
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => void (this.output = (this.output + chunk.toString()).slice(-200_000));
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    let ended: Error | undefined;
    const outcome = await eventually(`Kinora to be ready on ${this.url}\n${this.output.slice(-2_000)}`, deadlineMs, async () => {
      if (child.exitCode !== null || child.signalCode !== null)
        ended = new Error(`it ended with ${child.exitCode ?? child.signalCode}:\n${this.output.slice(-4_000)}`);
      if (ended) return ended;
      return (await fetch(`${this.url}/health/ready`)).ok ? true : undefined;
    });
    if (outcome !== true) throw outcome;
  }

  /** Of the process that was started, at the root of all others. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error('nothing has been started');
    return this.#child.pid;
  }

  /** Sends a signal to everything that was started, and resolves when it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const child = this.#child;
    if (!child?.pid || child.exitCode !== null || child.signalCode !== null) return child?.exitCode ?? null;
    const gone = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)));
    process.kill(-child.pid, signal);
    return gone;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
  }
}
