import { spawn } from 'node:child_process';
import { constants, setPriority } from 'node:os';
import type { Readable } from 'node:stream';

/** ffmpeg ended with an error or was stopped; the message ends with what it last wrote. */
export class FfmpegError extends Error {
  override readonly name = 'FfmpegError';
}

export interface FfmpegOptions {
  /** Outputs that the arguments name as `pipe:3`, `pipe:4`, … */
  readonly pipes: number;
  readonly signal: AbortSignal;
  /** Lets work that somebody waits for go ahead: 0 for that, 10 for the rest. */
  readonly niceness: number;
}

/**
 * Runs ffmpeg while `consume` reads its pipes (one stream per output, in order); `ended`, which it may ask, resolves when ffmpeg has ended well.
 * Resolves when the process has ended well and `consume` is done.
 * @throws {FfmpegError} also when nothing has been written for the stall limit
 */
export type RunFfmpeg = <T>(
  args: readonly string[],
  options: FfmpegOptions,
  consume: (pipes: readonly Readable[], ended: () => Promise<void>) => Promise<T>,
) => Promise<T>;

/**
 * What the tools see of the environment: no secrets, and no character set modules of the machine, which a statically linked ffprobe
 * loads for the service names in MPEG-TS and crashes on.
 */
export const toolEnvironment = (env: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv => ({
  PATH: env.PATH,
  ...(env.LD_LIBRARY_PATH === undefined ? {} : { LD_LIBRARY_PATH: env.LD_LIBRARY_PATH }),
  GCONV_PATH: '/nonexistent',
});

const keptErrorCharacters = 2_000;

/** Runs `command`; stops it when no pipe has carried anything for `stallMs`. A child left behind by a killed process ends at its next write, its pipes being closed. */
export function openFfmpeg(command: string, stallMs: number): RunFfmpeg {
  return async (args, { pipes, signal, niceness }, consume) => {
    signal.throwIfAborted();
    const stdio = ['ignore', 'ignore', 'pipe', ...Array.from({ length: pipes }, () => 'pipe' as const)] as const;
    const child = spawn(command, args, { stdio: [...stdio], env: toolEnvironment() });
    if (child.pid !== undefined && niceness > 0) lowerPriority(child.pid, niceness);
    let errors = '';
    let stopped: string | undefined;
    child.stdio[2]?.on('data', (text: Buffer) => (errors = (errors + text.toString()).slice(-keptErrorCharacters)));
    const stop = (reason: string): void => {
      stopped ??= reason;
      child.kill('SIGKILL'); // asked politely it would write a last segment that is too short
    };
    const onAbort = (): void => stop('stopped');
    signal.addEventListener('abort', onAbort, { once: true });
    const ended = new Promise<string | undefined>((resolve) => {
      child.once('error', (error) => resolve(error.message));
      child.once('close', (code, by) => resolve(code === 0 ? undefined : `ended with ${code ?? by ?? 'an error'}`));
    });
    const endedWell = async (): Promise<void> => {
      const failure = await ended;
      if (stopped ?? failure) throw new FfmpegError(`ffmpeg ${stopped ?? failure ?? ''}: ${errors.trim()}`);
    };
    const streams = child.stdio.slice(3) as Readable[];
    const watch = watchStall(streams, stallMs, () => stop(`wrote nothing for ${stallMs} ms`));
    try {
      const result = await consume(streams, endedWell).catch((error: unknown) => {
        stop('its reader failed');
        throw error;
      });
      await endedWell();
      return result;
    } finally {
      clearInterval(watch);
      signal.removeEventListener('abort', onAbort);
      for (const stream of streams) stream.destroy();
    }
  };
}

function lowerPriority(pid: number, niceness: number): void {
  try {
    setPriority(pid, Math.min(niceness, constants.priority.PRIORITY_LOW));
  } catch {
    // The process has ended already, or the system does not let us: it only runs with more priority than it needs.
  }
}

function watchStall(streams: readonly Readable[], stallMs: number, onStall: () => void): NodeJS.Timeout {
  const read = (): number => streams.reduce((sum, stream) => sum + ((stream as Readable & { bytesRead?: number }).bytesRead ?? 0), 0);
  let seen = 0;
  let idle = 0;
  const everyMs = Math.max(50, Math.ceil(stallMs / 10));
  const check = (): void => {
    const now = read();
    idle = now === seen ? idle + everyMs : 0;
    seen = now;
    if (idle >= stallMs) onStall();
  };
  return setInterval(check, everyMs).unref();
}

/** Asks the build once whether it can tone-map (zimg). */
export function openFeatures(command: string): () => Promise<{ readonly hasZscale: boolean }> {
  let asked: Promise<{ readonly hasZscale: boolean }> | undefined;
  const ask = (): Promise<{ readonly hasZscale: boolean }> =>
    new Promise((resolve) => {
      const child = spawn(command, ['-hide_banner', '-filters'], {
        stdio: ['ignore', 'pipe', 'ignore'],
        timeout: 10_000,
        env: toolEnvironment(),
      });
      let text = '';
      child.stdout.on('data', (part: Buffer) => (text += part.toString()));
      child.once('error', () => resolve({ hasZscale: false }));
      child.once('close', () => resolve({ hasZscale: / zscale .* /.test(text) && / tonemap /.test(text) }));
    });
  return () => (asked ??= ask());
}
