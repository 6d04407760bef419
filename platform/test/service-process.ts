/** One child process of an installation: started, waited for, ended, its output kept. */
import { spawn, type ChildProcess } from 'node:child_process';
import { createServer } from 'node:net';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

const keptCharacters = 200_000;

/** Below what systems take for outgoing connections: a process that is started again has to find its port free. */
const [lowestPort, highestPort] = [10_000, 29_999];

/** A port that nothing listens on at the moment. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = lowestPort + Math.floor(Math.random() * (highestPort - lowestPort + 1));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, () => resolve(true));
    });
    await new Promise((resolve) => server.close(resolve));
    if (isFree) return port;
  }
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

export interface ServiceProcessOptions {
  /** For people who read what a test prints, e.g. `catalog` or `transcoding 2`. */
  readonly name: string;
  readonly port: number;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly env: NodeJS.ProcessEnv;
}

export class ServiceProcess {
  readonly name: string;
  readonly port: number;
  readonly url: string;
  readonly #options: ServiceProcessOptions;
  #child: ChildProcess | undefined;
  /** What the running child has printed, its end. */
  output = '';
  /** Whether the running child has said that it is ready. */
  wasReady = false;

  constructor(options: ServiceProcessOptions) {
    this.name = options.name;
    this.port = options.port;
    this.url = `http://localhost:${options.port}`;
    this.#options = options;
  }

  /** Of the child, at the root of all that it started. */
  get pid(): number {
    if (this.#child?.pid === undefined) throw new Error(`${this.name} has not been started`);
    return this.#child.pid;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Starts the child, with `env` on top of its own environment. */
  spawn(env: NodeJS.ProcessEnv = {}): void {
    this.output = '';
    this.wasReady = false;
    const child = spawn(this.#options.command, this.#options.arguments, {
      cwd: root,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...this.#options.env, ...env, PORT: String(this.port) },
    });
    this.#child = child;
    const keep = (chunk: Buffer): void => {
      const output = this.output + chunk.toString();
      this.wasReady ||= output.includes('"message":"ready"');
      this.output = output.slice(-keptCharacters);
    };
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
  }

  /** Resolves when the child answers that it is ready. @throws when it ends instead */
  async ready(deadlineMs: number): Promise<void> {
    let ended: Error | undefined;
    const outcome = await eventually(`${this.name} to be ready on ${this.url}`, deadlineMs, async () => {
      const child = this.#child;
      if (!this.isRunning)
        ended = new Error(`${this.name} ended with ${child?.exitCode ?? child?.signalCode}:\n${this.output.slice(-4_000)}`);
      if (ended) return ended;
      return (await fetch(`${this.url}/health/ready`)).ok ? true : undefined;
    });
    if (outcome !== true) throw outcome;
  }

  /** Resolves with the exit status when the child has ended, by itself or before, and all that it printed is in `output`. */
  async ended(): Promise<number | null> {
    const child = this.#child;
    if (!child || !this.isRunning) return child?.exitCode ?? null;
    return new Promise((resolve) => child.once('close', (code) => resolve(code)));
  }

  /** Sends a signal to the child and all that it started, and resolves with its exit status when it is gone. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    if (!this.isRunning) return this.ended();
    const gone = this.ended();
    process.kill(-this.pid, signal);
    return gone;
  }
}
