/** The command line of `npm run migrate`. */
import { parseArgs } from 'node:util';
import { UsageError, type PlaceArguments } from './place.ts';

/** What to do: say what would be moved; copy while people go on; the last step; compare. */
export type Mode = 'dry-run' | 'copy' | 'finish' | 'verify';

export interface Arguments {
  readonly mode: Mode;
  readonly from: PlaceArguments;
  readonly to: PlaceArguments;
  /** The operator says that no service of the old installation writes, where that cannot be seen. */
  readonly isStopped: boolean;
  /** How long `--finish` waits for the old installation to stop. */
  readonly waitSeconds: number;
  /** Blobs on their way at once. */
  readonly concurrency: number;
  /** File for the report in JSON. */
  readonly report: string | undefined;
  /** File that gets the settings of the new installation. */
  readonly env: string | undefined;
}

export const usage = `usage: npm run migrate -- --from PLACE --to PLACE [--dry-run | --finish | --verify]

PLACE is a data folder (./data) or a file of settings (deploy.env) with DOCUMENTS_URL, BUS_URL and BLOBS_URL.
--from-documents, --from-bus, --from-blobs, --to-documents, --to-bus and --to-blobs name single ports.

  without a mode    copies while the old installation runs; may be repeated and interrupted
  --dry-run         says what would be copied and whether the target is fit; writes nothing
  --finish          waits until the old installation has stopped, copies the rest, compares, hands over
    --stopped         its services are stopped: needed where that cannot be seen, which is anything but a data folder
    --wait SECONDS    how long it waits (default 600)
  --verify          compares both sides, reading every blob of the target; changes nothing

  --env FILE          where --finish writes the settings of the new installation (default: the file named by --to, else moved.env)
  --report FILE       writes the result as JSON
  --concurrency N     blobs on their way at once (default 8)

docs/moving.md has the whole procedure.`;

const options = {
  from: { type: 'string' },
  'from-documents': { type: 'string' },
  'from-bus': { type: 'string' },
  'from-blobs': { type: 'string' },
  to: { type: 'string' },
  'to-documents': { type: 'string' },
  'to-bus': { type: 'string' },
  'to-blobs': { type: 'string' },
  'dry-run': { type: 'boolean', default: false },
  finish: { type: 'boolean', default: false },
  verify: { type: 'boolean', default: false },
  stopped: { type: 'boolean', default: false },
  wait: { type: 'string', default: '600' },
  env: { type: 'string' },
  report: { type: 'string' },
  concurrency: { type: 'string', default: '8' },
  help: { type: 'boolean', short: 'h', default: false },
} as const;

function wholeNumber(name: string, text: string, least: number, most: number): number {
  const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= least && value <= most)) throw new UsageError(`--${name} is a whole number from ${least} to ${most}.`);
  return value;
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** Reads the command line; undefined when help is asked for. @throws {UsageError} */
export function readArguments(args: readonly string[]): Arguments | undefined {
  const values = parse(args);
  if (values.help) return undefined;
  const modes = (['dry-run', 'finish', 'verify'] as const).filter((mode) => values[mode]);
  if (modes.length > 1) throw new UsageError(`--${modes.join(' and --')} exclude each other.`);
  const mode = modes[0] ?? 'copy';
  if (values.stopped && mode !== 'finish') throw new UsageError('--stopped goes with --finish.');
  return {
    mode,
    from: { place: values.from, urls: { documents: values['from-documents'], bus: values['from-bus'], blobs: values['from-blobs'] } },
    to: { place: values.to, urls: { documents: values['to-documents'], bus: values['to-bus'], blobs: values['to-blobs'] } },
    isStopped: values.stopped,
    waitSeconds: wholeNumber('wait', values.wait, 0, 1_000_000),
    concurrency: wholeNumber('concurrency', values.concurrency, 1, 64),
    report: values.report,
    env: values.env,
  };
}
