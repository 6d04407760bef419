/** The last step: waits until the old installation has stopped, brings the rest, compares, and hands over. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Bus } from '@kinora/messaging';
import { readLetters, writeLetters } from './bus.ts';
import { catchUp } from './copy.ts';
import { completeEnvFile, writePrivately } from './env-file.ts';
import { envFileOf, keptSecret, newSettings, pass, whileTaken, type Move, type TimedPass } from './move.ts';
import { changes, documentChanges } from './passes.ts';
import { UsageError } from './place.ts';
import { portsOf } from './ports.ts';
import { databasesInUse, type Stamp } from './quiet.ts';
import { reportOf, type QueueCount, type Report } from './report.ts';
import type { MoveState } from './state.ts';
import { rewriteStates } from './uploads.ts';

const probeMs = 300;
/** While it waits for the old installation, a pass now and then keeps what is left small. */
const passEveryMs = 60_000;
/** Servers do not show who writes: two looks so far apart that found the same are the best there is. */
const apartMs = 5_000;
/** Retries wait for a minute and a fifth at most: read with a clock that is ahead, they are due already. */
const clockAheadMs = 120_000;
const mostLooks = 4;

interface Quiet {
  readonly sinceMs: number;
  /** Undefined where only the operator's word is there. */
  readonly stamp: Stamp | undefined;
}

/** Asks who has the databases open. Closes the source: this process must not be among them. */
async function look({ from, source }: Move): Promise<{ inUse: readonly string[]; stamp: Stamp }> {
  await source.close();
  return databasesInUse(from.urls.documents, source.databases());
}

/** Servers do not show who writes: there the operator's word is needed. @throws {UsageError} without it */
function refuseUnlessSeen({ given, from, source }: Move): void {
  if (source.isEmbedded || given.isStopped) return;
  throw new UsageError(
    `Stop every service of ${from.name} but streaming and the gateway, then run this again with --stopped: servers do not show who writes.`,
  );
}

/** Resolves when nobody has the databases of the source open. @throws {UsageError} when it goes on running for longer than `--wait` */
async function untilStopped(move: Move, state: MoveState, passes: TimedPass[]): Promise<Quiet> {
  const { given, progress, signal } = move;
  const giveUpAt = performance.now() + given.waitSeconds * 1000;
  let passAt = performance.now() + passEveryMs;
  for (let hasSaid = false; ; hasSaid = true) {
    const { inUse, stamp } = await look(move);
    if (inUse.length === 0) return { sinceMs: performance.now(), stamp };
    const running = `The old installation still runs (${inUse.join(', ')}).`;
    if (performance.now() >= giveUpAt) throw new UsageError(`${running} Nothing was handed over; stop it and run this again.`);
    if (!hasSaid)
      progress.say(
        `${running}\nStop it now; this goes on by itself. So that playback goes on, start it again at once with SERVICES=gateway,streaming.`,
      );
    await delay(probeMs, undefined, { signal });
    if (performance.now() < passAt) continue;
    passes.push(await pass(move, state, 'Keeping up'));
    passAt = performance.now() + passEveryMs;
  }
}

/** Passes until one finds both sides equal: the proof by counts and checksums. @throws {UsageError} when they do not become equal */
async function bringTheRest(move: Move, state: MoveState, quiet: Quiet): Promise<TimedPass[]> {
  const passes: TimedPass[] = [];
  while (passes.length < mostLooks) {
    const isFirst = passes.length === 0;
    // Files show that nobody has written since; servers do not, so blobs are looked at again as well.
    const skipsBlobs = !isFirst && quiet.stamp !== undefined;
    const last = await pass(move, state, isFirst ? 'The rest' : 'Comparing', { isLast: true, skipsBlobs });
    passes.push(last);
    const isApart = quiet.stamp !== undefined || performance.now() - quiet.sinceMs >= apartMs;
    if (changes(last) === 0 && isApart) return passes;
    if (!isApart) await delay(Math.max(0, apartMs - (performance.now() - quiet.sinceMs)), undefined, { signal: move.signal });
  }
  throw new UsageError(notEqual(passes));
}

function notEqual(passes: readonly TimedPass[]): string {
  const [before, last] = passes.slice(-2);
  const refused = last?.collections.find((outcome) => outcome.refused > 0);
  if (refused)
    return `${refused.collection} has ${refused.refused} documents that the target does not take, as a unique field of theirs is taken.`;
  const differing = (last?.collections ?? []).filter(({ written, deleted }) => written + deleted > 0);
  const changed = differing.filter(
    ({ collection, source }) => before?.collections.find((other) => other.collection === collection)?.source.sha256 !== source.sha256,
  );
  const names = (changed.length > 0 ? changed : differing).map(({ collection }) => collection).join(', ');
  if (changed.length > 0)
    return `The source changes while it is compared (${names}): a service still writes there. Stop it and run this again.`;
  if (last && documentChanges(last) > 0)
    return `The target changes while it is compared (${names}): a service runs there already. Stop it and run this again.`;
  return 'The blobs of both sides do not become equal: something writes to one of the stores. Stop it and run this again.';
}

/** The target's bus, ready before writes pause: a broker takes its time to be connected to. It is closed by what writes to it. */
async function openTargetBus({ to, moved }: Move): Promise<Bus | undefined> {
  if (!moved.includes('bus')) return undefined;
  const bus = portsOf(to).bus();
  await bus.ready();
  return bus;
}

/** Brings what waits in the queues. The source's keep it. */
async function moveMessages({ from, source, signal, progress }: Move, writing: Bus): Promise<readonly QueueCount[]> {
  progress.begin('Messages');
  const reading = source.exists('bus') ? portsOf(from, () => Date.now() + clockAheadMs).bus() : undefined;
  const letters = reading ? await readLetters(reading, signal) : [];
  const { queues } = await writeLetters(writing, letters, signal);
  progress.say(`Messages: ${letters.length} brought in ${progress.end().toFixed(1)} s`);
  return queues.filter(({ waiting, dead }) => waiting + dead > 0);
}

/** @throws {UsageError} when somebody has had the source's databases open in between */
async function refuseIfWritten(move: Move, { stamp }: Quiet): Promise<void> {
  if (stamp === undefined) return;
  const now = await look(move);
  if (now.inUse.length > 0 || now.stamp !== stamp)
    throw new UsageError(
      `The old installation has been started again (${now.inUse.join(', ') || 'and stopped'}). Nothing was handed over; stop it and run this again.`,
    );
}

/** Gives the secrets of the old installation to the new one, for its operator's eyes only; says what is left to the operator. */
async function handOverSecrets(move: Move): Promise<string[]> {
  const { from, to, progress } = move;
  const file = envFileOf(move);
  if (to.folder !== undefined) {
    await writePrivately(path.join(to.folder, 'playback-secret'), from.secrets.PLAYBACK_SECRET ?? '');
    const given = from.secrets.ACCOUNTS_SECRET;
    return given === undefined || given === (await keptSecret(move))
      ? []
      : ['Set ACCOUNTS_SECRET as for the old installation, else everybody is signed out.'];
  }
  const added = file === undefined ? [] : await completeEnvFile(file, await newSettings(move));
  if (added.length > 0) progress.say(`${file}: ${added.join(', ')} written; readable by you alone.`);
  return [];
}

/** Hands the installation over. Until the last line nothing is final: interrupted, it is run again, or the old installation is started again. */
export async function finish(move: Move): Promise<Report> {
  refuseUnlessSeen(move);
  const startedMs = performance.now();
  return whileTaken(move, async (state, taken) => {
    const passes = await catchUp(taken, state);
    const bus = await openTargetBus(taken);
    try {
      const isSeen = taken.source.isEmbedded;
      const quiet = isSeen ? await untilStopped(taken, state, passes) : { sinceMs: startedMs, stamp: undefined };
      passes.push(...(await bringTheRest(taken, state, quiet)));
      const queues = bus ? await moveMessages(taken, bus) : [];
      await refuseIfWritten(taken, quiet);
      if (!taken.moved.includes('documents')) await rewriteStates(taken.source, state.uploads);
      const remarks = await handOverSecrets(taken);
      await state.end();
      const pauseSeconds = (performance.now() - quiet.sinceMs) / 1000;
      const [from, to] = [taken.from.name, taken.to.name];
      return reportOf({ mode: 'finish', from, to, result: 'done', remarks, queues, pauseSeconds }, passes);
    } finally {
      await bus?.close(0);
    }
  });
}
