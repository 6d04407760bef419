import { spawn } from 'node:child_process';
import { probeArguments, scanArguments } from './arguments.ts';
import { toolEnvironment } from './ffmpeg.ts';
import { lacksDuration, readProbe, UnusableSourceError, type Probe, type RawProbe } from './probe.ts';

/** Reads the facts of the source at a path or URL. @throws {UnusableSourceError} when it can never be watched; other errors may pass */
export type ProbeSource = (location: string, signal: AbortSignal) => Promise<Probe>;

const probedSeconds = 20;
const longestOutputBytes = 32 * 1024 * 1024;

interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** Runs `command` and hands its output to `take` part by part. Rejects with what it wrote to standard error. */
function run(command: string, args: readonly string[], { timeoutMs, signal }: Limits, take: (part: Buffer) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
      signal,
      env: toolEnvironment(),
    });
    let errors = '';
    child.stderr.on('data', (part: Buffer) => (errors = (errors + part.toString()).slice(0, 2_000)));
    child.stdout.on('data', take);
    child.once('error', reject);
    child.once('close', (code, by) => {
      if (code === 0) resolve();
      else reject(by === null ? refusal(errors) : new Error(`ffprobe was ended by ${by}`));
    });
  });
}

/** What no allowed demuxer recognises is no video; what one did recognise and could not read is a broken one. */
function refusal(errors: string): Error {
  const isRecognised = /^\[[a-z0-9,_]+ @ /im.test(errors) && !/not (on|in) whitelist/i.test(errors);
  if (/No such file|Permission denied|Connection|timed out|HTTP error|Server returned/i.test(errors))
    return new Error(`ffprobe: ${errors.trim()}`);
  return new UnusableSourceError(isRecognised ? 'unreadable' : 'not-a-video', errors.trim());
}

/** A prober that runs `command` for at most `timeoutMs`. */
export function openFfprobe(command: string, timeoutMs: number): ProbeSource {
  return async (location, signal) => {
    const limits = { timeoutMs, signal };
    const parts: Buffer[] = [];
    let bytes = 0;
    await run(command, probeArguments(location, probedSeconds), limits, (part) => {
      bytes += part.length;
      if (bytes <= longestOutputBytes) parts.push(part);
    });
    if (bytes > longestOutputBytes) throw new UnusableSourceError('unreadable', 'ffprobe printed too much');
    const raw = JSON.parse(Buffer.concat(parts).toString()) as RawProbe;
    return readProbe(raw, lacksDuration(raw) ? await findEnd(command, location, limits) : undefined);
  };
}

/** Time of the last packet; reads the whole source without decoding it. */
async function findEnd(command: string, location: string, limits: Limits): Promise<number | undefined> {
  let rest = '';
  let end: number | undefined;
  await run(command, scanArguments(location), { ...limits, timeoutMs: limits.timeoutMs * 10 }, (part) => {
    const lines = (rest + part.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const time = Number.parseFloat(line);
      if (Number.isFinite(time)) end = Math.max(end ?? time, time);
    }
  });
  return end;
}
