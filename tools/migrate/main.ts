/** `npm run migrate`: moves an installation from one place to another while it runs. docs/moving.md is its manual. */
import { readArguments, usage, type Arguments } from './arguments.ts';
import { modes } from './modes.ts';
import { envFileOf, openMove, type Move } from './move.ts';
import { UsageError } from './place.ts';
import { openProgress } from './progress.ts';
import { reportText, writeReport, type Report } from './report.ts';

/** How the new installation is started, in words. */
function startWords(move: Move): string {
  const { to } = move;
  if (to.folder !== undefined) return `DATA_DIR=${to.name} npm start`;
  return `with the settings in ${envFileOf(move) ?? to.name}`;
}

/** What the operator does next. */
function nextWords({ result, remarks, pauseSeconds }: Report, move: Move): string {
  const reasons = remarks.map((remark) => `  - ${remark}`).join('\n');
  switch (result) {
    case 'possible':
      return 'Nothing was written. The same command without --dry-run copies this, while the old installation goes on.';
    case 'refused':
      return `Nothing was written, and a copy would be refused:\n${reasons}`;
    case 'copied':
      return 'The copy is near. Run the same command again whenever you like, or with --finish when writes may pause.';
    case 'equal':
      return 'Both sides are equal.';
    case 'different':
      return `The sides differ:\n${reasons}`;
    case 'done':
      return `Done; writes have paused for ${(pauseSeconds ?? 0).toFixed(1)} s up to here. Start the new installation now: ${startWords(move)}.\nLeave the old one stopped: what is written there from now on is not moved.`;
  }
}

const impatientMs = 2_000;

/** The first signal ends the work where it can be gone on with. It may come twice at once, from the terminal and from npm; one that comes later ends at once. */
function stopOnSignals(): AbortSignal {
  const abort = new AbortController();
  let firstAt: number | undefined;
  const stop = (): void => {
    firstAt ??= performance.now();
    if (performance.now() - firstAt > impatientMs) process.exit(130);
    abort.abort(new UsageError('Stopped. Run the same command to go on.'));
  };
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, stop);
  return abort.signal;
}

async function run(given: Arguments): Promise<void> {
  const progress = openProgress(process.stdout);
  const move = openMove(given, process.env, progress, stopOnSignals());
  try {
    const report = await modes[given.mode](move);
    progress.end();
    const text = reportText(report);
    if (text !== '') progress.say(`\n${text}\n`);
    progress.say(nextWords(report, move));
    if (given.report !== undefined) writeReport(given.report, report);
    if (report.result === 'refused' || report.result === 'different') process.exitCode = 1;
  } finally {
    progress.end();
    await move.source.close();
    await move.target.close();
  }
}

try {
  const given = readArguments(process.argv.slice(2));
  if (given) await run(given);
  else process.stdout.write(`${usage}\n`);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
