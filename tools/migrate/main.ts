/** `npm run migrate`: moves an installation from one place to another while it runs. docs/moving.md is its manual. */
import { readArguments, usage, type Arguments } from './arguments.ts';
import { modes } from './modes.ts';
import { envFileOf, openMove, type Move } from './move.ts';
import { UsageError } from './place.ts';
import { openProgress } from './progress.ts';
import { reportText, writeReport, type Report } from './report.ts';

/** How the new installation is started, in words. */
const startWords = (move: Move): string =>
  move.to.folder === undefined ? `with the settings in ${envFileOf(move) ?? move.to.name}` : `DATA_DIR=${move.to.name} npm start`;

/** What the operator does next. */
function nextWords({ result, remarks, passes, pauseSeconds = 0 }: Report, move: Move): string {
  const reasons = remarks.map((remark) => `  - ${remark}`).join('\n');
  switch (result) {
    case 'possible':
      return 'Nothing was written. The same command without --dry-run copies this, while the old installation goes on.';
    case 'refused':
      return `Nothing was written, and a copy would be refused:\n${reasons}`;
    case 'copied':
      return (
        `The copy is near: with --finish, writes would pause for about ${Math.ceil(passes.at(-1)?.seconds ?? 0)} s.\n` +
        'Until then run the same command again whenever you like, and start no service on the target.'
      );
    case 'equal':
      return 'Both sides are equal.';
    case 'different':
      return `The sides differ:\n${reasons}`;
    case 'done':
      return (
        `Done: both sides are equal. Writes have paused for ${pauseSeconds.toFixed(1)} s up to here.\n` +
        `Start the new installation now: ${startWords(move)}.\n${remarks.map((remark) => `${remark}\n`).join('')}` +
        'Leave the old one stopped: what is written there from now on is not moved.'
      );
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
  process.exitCode = 1;
  if (error instanceof UsageError) process.stderr.write(`${error.message}\n`);
  else {
    process.stderr.write(`It has stopped: ${error instanceof Error ? error.message : String(error)}\n`);
    process.stderr.write('What has been copied is kept; when the reason is gone, run the same command again.\n');
    if (error instanceof Error) process.stderr.write(`${error.stack}\n`);
  }
}
