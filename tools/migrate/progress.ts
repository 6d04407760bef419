/** What the person at the terminal sees while work goes on: one line that moves, or a plain line now and then where there is no terminal. */
import { performance } from 'node:perf_hooks';

export interface Output {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/** Numbers that only grow while a pass runs. */
export interface Counts {
  /** Documents and blobs looked at. */
  documents: number;
  blobs: number;
  /** Bytes copied, or read. */
  bytes: number;
}

export interface Progress {
  /** A line that stays. */
  say(line: string): void;
  /** Begins to show `what` with the counts as they grow. */
  begin(what: string): Counts;
  /** Takes the moving line away; returns seconds since `begin`. */
  end(): number;
}

const plainMs = 10_000;
const movingMs = 200;
const units = ['B', 'KB', 'MB', 'GB', 'TB'] as const;

/** `12.3 MB`: decimal units, three digits. */
export function bytesText(bytes: number): string {
  const power = Math.min(units.length - 1, Math.max(0, Math.floor(Math.log10(Math.max(1, bytes)) / 3)));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power] ?? 'B'}`;
}

const numberText = (value: number): string => value.toLocaleString('en-US');

function line(what: string, { documents, blobs, bytes }: Counts, seconds: number): string {
  const rate = bytes > 0 && seconds > 0 ? `, ${bytesText(bytes)} at ${bytesText(bytes / seconds)}/s` : '';
  return `${what}: ${numberText(documents)} documents, ${numberText(blobs)} blobs${rate}, ${Math.round(seconds)} s`;
}

/** Progress on `output`. */
export function openProgress(output: Output): Progress {
  let timer: NodeJS.Timeout | undefined;
  let startedAt = performance.now();
  const seconds = (): number => (performance.now() - startedAt) / 1000;
  const clear = (): void => void (output.isTTY && timer && output.write('\r\u001b[2K'));
  return {
    say(text) {
      clear();
      output.write(`${text}\n`);
    },
    begin(what) {
      const counts: Counts = { documents: 0, blobs: 0, bytes: 0 };
      startedAt = performance.now();
      clearInterval(timer);
      const show = (): unknown =>
        output.write(output.isTTY ? `\r\u001b[2K${line(what, counts, seconds())}` : `${line(what, counts, seconds())}\n`);
      timer = setInterval(show, output.isTTY ? movingMs : plainMs).unref();
      return counts;
    },
    end() {
      clear();
      clearInterval(timer);
      timer = undefined;
      return seconds();
    },
  };
}
