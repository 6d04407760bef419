import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { until } from './until.ts';

/** A test process and the lines it has written. */
export interface Child {
  readonly lines: readonly string[];
  /** Second words of the lines that start with `word`. */
  said(word: string): string[];
  /** SIGKILL, then waits for the end. */
  kill(): Promise<void>;
  readonly ended: Promise<void>;
}

/** Starts `script` of this folder with the Node that runs the tests. */
export function startChild(script: string, args: readonly string[]): Child {
  const process_: ChildProcess = spawn(process.execPath, [fileURLToPath(new URL(script, import.meta.url)), ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let rest = '';
  process_.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const parts = (rest + text).split('\n');
    rest = parts.pop() ?? '';
    lines.push(...parts);
  });
  const ended = new Promise<void>((resolve) => process_.once('close', () => resolve()));
  return {
    lines,
    said: (word) => lines.filter((line) => line.startsWith(`${word} `)).map((line) => line.split(' ')[1] ?? ''),
    ended,
    async kill() {
      process_.kill('SIGKILL');
      await ended;
    },
  };
}

/** A bus process in `role` (see bus-child.ts), up and running. */
export async function startBusChild(url: string, role: string, options: object = {}): Promise<Child> {
  const child = startChild('bus-child.ts', [url, role, JSON.stringify(options)]);
  if (role === 'hold' || role === 'listen' || role === 'work') await until(`${role} child runs`, () => child.lines.includes('running'));
  return child;
}
