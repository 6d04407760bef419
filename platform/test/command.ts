/** Runs the repository's commands and others as people do, and keeps what they say. */
import { spawn } from 'node:child_process';
import path from 'node:path';

/** The checkout that this file belongs to. */
export const root = path.resolve(import.meta.dirname, '../..');

export interface Outcome {
  readonly status: number;
  /** Standard output and standard error as they came. */
  readonly said: string;
}

export interface CommandOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
}

/** Resolves when the command has ended, however it ended. */
export function attempt(command: string, args: readonly string[], { env = {}, cwd = root }: CommandOptions = {}): Promise<Outcome> {
  const child = spawn(command, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (said += chunk.toString()));
  return new Promise((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code) => resolve({ status: code ?? -1, said }));
  });
}

/** What the command said. @throws {Error} with that, when its status is not 0 */
export async function command(program: string, args: readonly string[], options?: CommandOptions): Promise<string> {
  const { status, said } = await attempt(program, args, options);
  if (status !== 0) throw new Error(`${program} ${args.join(' ')} ended with ${status}:\n${said.slice(-6_000)}`);
  return said;
}

/** The Docker client, as the commands themselves find it. */
export const docker = (...args: string[]): Promise<string> => command(process.env['DOCKER'] ?? 'docker', args);
