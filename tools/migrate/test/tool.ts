/** The command, run as people run it. */
import { spawn, type ChildProcess } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { readArguments } from '../arguments.ts';
import { modes } from '../modes.ts';
import { openMove } from '../move.ts';
import { openProgress } from '../progress.ts';
import type { Report } from '../report.ts';

const main = path.join(import.meta.dirname, '..', 'main.ts');

/** The work of the command in this process, without its words: for what does not depend on a process of its own. @throws what the command would print */
export async function within(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Report> {
  const given = readArguments(args);
  if (!given) throw new Error('help was asked for');
  const move = openMove(given, env, openProgress({ write: () => true }), new AbortController().signal);
  try {
    return await modes[given.mode](move);
  } finally {
    await move.source.close();
    await move.target.close();
  }
}

export interface Run {
  readonly child: ChildProcess;
  /** What it has printed so far. */
  readonly output: () => string;
  /** Resolves when it has ended, with its status; null after a signal. */
  readonly ended: Promise<number | null>;
}

/** Starts the command; `env` goes on top of the environment of the test. */
export function start(args: readonly string[], env: NodeJS.ProcessEnv = {}): Run {
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
  return { child, output: () => output, ended: new Promise((resolve) => child.once('close', (code) => resolve(code))) };
}

/** Runs the command to its end. */
export async function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<{ status: number | null; output: string }> {
  const { ended, output } = start(args, env);
  return { status: await ended, output: output() };
}

/** Runs the command and gives its report. @throws with what it printed when it ends otherwise than with status 0 */
export async function report(file: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Report> {
  const { status, output } = await run([...args, '--report', file], env);
  if (status !== 0) throw new Error(`migrate ${args.join(' ')} ended with ${status}:\n${output}`);
  return JSON.parse(readFileSync(file, 'utf8')) as Report;
}
