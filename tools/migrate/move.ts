/** What every mode works with: both places open, the checks before anything is written, the lock, and passes one after the other. */
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { StorageFullError } from '@kinora/blobs';
import type { Arguments } from './arguments.ts';
import { checkEnvFile } from './env-file.ts';
import { changes, findForeignChanges, knownAfter, runPass, type PassOutcome } from './passes.ts';
import { movedPorts, readPlace, settingsOf, UsageError, type Place, type PortName } from './place.ts';
import { pingAll, portsOf, type Ports } from './ports.ts';
import type { Progress } from './progress.ts';
import { findRecord, installationIdOf, MoveState } from './state.ts';
import { lookAtTarget, refusal, type TargetView } from './target.ts';

export interface Move {
  readonly given: Arguments;
  readonly from: Place;
  readonly to: Place;
  /** Ports that lie elsewhere afterwards. */
  readonly moved: readonly PortName[];
  readonly source: Ports;
  readonly target: Ports;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

/** A pass and how long it took. */
export interface TimedPass extends PassOutcome {
  readonly seconds: number;
}

/** Reads both places and opens them; the caller closes the ports. @throws {UsageError} */
export function openMove(given: Arguments, env: NodeJS.ProcessEnv, progress: Progress, signal: AbortSignal): Move {
  const from = readPlace('from', given.from, env);
  const to = readPlace('to', given.to, env);
  return { given, from, to, moved: movedPorts(from, to), source: portsOf(from), target: portsOf(to), progress, signal };
}

/** Where the settings of the new installation are written; undefined when it is a data folder, which keeps its secret itself. */
export const envFileOf = ({ given, to }: Move): string | undefined =>
  to.folder === undefined ? path.resolve(given.env ?? to.envFile ?? 'moved.env') : undefined;

/** What signs sessions when no secret was given: accounts makes it and keeps it in its documents, so it moves with them. */
export async function keptSecret({ source }: Move): Promise<string | undefined> {
  const kept = await (await source.existing('accounts', 'settings'))?.findOne({ _id: 'session-secret' });
  return typeof kept?.['value'] === 'string' ? kept['value'] : undefined;
}

/** Secrets that the old installation works with. */
async function secretsOf(move: Move): Promise<Place['secrets']> {
  const { secrets } = move.from;
  return { ...secrets, ACCOUNTS_SECRET: secrets.ACCOUNTS_SECRET ?? (await keptSecret(move)) };
}

/** Settings of the new installation: where it lies, and the secrets of the old one. */
export const newSettings = async (move: Move): Promise<Readonly<Record<string, string>>> =>
  settingsOf({ ...move.to, secrets: await secretsOf(move) });

/** Secrets without which people would notice the move; a sentence for each that is not known. */
async function unknownSecrets(move: Move): Promise<string[]> {
  const { from, source } = move;
  const secrets = await secretsOf(move);
  const hasSessions = (await (await source.existing('accounts', 'sessions'))?.findOne({})) !== undefined;
  const say = (name: string, otherwise: string): string =>
    `The ${name} of ${from.name} is not known, and without it ${otherwise}: set it in the environment of this command${from.envFile === undefined ? '' : ', or in that file'}.`;
  return [
    ...(secrets.PLAYBACK_SECRET === undefined ? [say('PLAYBACK_SECRET', 'addresses of playback in use would end')] : []),
    ...(secrets.ACCOUNTS_SECRET === undefined && hasSessions ? [say('ACCOUNTS_SECRET', 'everybody would be signed out')] : []),
  ];
}

/** What stands in the way of a move, a sentence each. Nothing is written. */
export async function findObstacles(move: Move, view: TargetView, installationId: string): Promise<string[]> {
  const { from, to } = move;
  const obstacles = [refusal(view, installationId, to)].filter((sentence) => sentence !== undefined);
  obstacles.push(...(await unknownSecrets(move)));
  const other = to.secrets.PLAYBACK_SECRET;
  const envFile = envFileOf(move);
  if (to.folder !== undefined && view.move === undefined && other !== undefined && other !== from.secrets.PLAYBACK_SECRET)
    obstacles.push(`${to.name} has a playback-secret of its own: it is the folder of another installation.`);
  if (envFile !== undefined)
    try {
      checkEnvFile(envFile, await newSettings(move));
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      obstacles.push(error.message);
    }
  return obstacles;
}

/** Looks at both sides without writing anything. @throws {UsageError} when the source holds no installation or a port does not answer */
export async function lookAtBoth({ from, to, moved, source, target }: Move): Promise<{ view: TargetView; installationId: string }> {
  await pingAll(source, 'source');
  await pingAll(target, 'target');
  return { installationId: await installationIdOf(source, from.name), view: await lookAtTarget(target, to, moved) };
}

/**
 * Checks, takes the move and gives it to `work`; gives it back however that ends.
 * @throws {UsageError} for what stands in the way
 */
export async function whileTaken<T>(move: Move, work: (state: MoveState, move: Move) => Promise<T>): Promise<T> {
  const { view, installationId } = await lookAtBoth(move);
  const obstacles = await findObstacles(move, view, installationId);
  if (obstacles.length > 0) throw new UsageError(obstacles.join('\n'));
  const lost = new AbortController();
  const state = new MoveState(move.target, move.to);
  await state.take(installationId, move.from.name, (error) => lost.abort(error));
  const signal = AbortSignal.any([move.signal, lost.signal]);
  try {
    await refuseForeignChanges(move);
    return await work(state, { ...move, signal });
  } catch (error) {
    // Ports say in their own words that they were interrupted; the reason is told better.
    signal.throwIfAborted();
    throw error;
  } finally {
    await state.release();
  }
}

/** Read after the move was taken: before, another process may have been at work. */
async function refuseForeignChanges({ to, target, signal }: Move): Promise<void> {
  const { move: document } = await findRecord(target, to);
  if (document?.phase === 'done') throw new UsageError(`The move to ${to.name} has just ended.`);
  const foreign = await findForeignChanges(target, document?.known ?? [], signal);
  if (foreign.length === 0) return;
  throw new UsageError(
    `Somebody else has written to ${to.name} since the last copy (${foreign.join(', ')}): services have run there. ` +
      'Nothing of it is overwritten. Empty the target and begin anew, and start no service there before the move has ended.',
  );
}

interface PassKind {
  readonly isLast?: boolean;
  readonly skipsBlobs?: boolean;
}

const attempts = 4;
const againMs = 5_000;

/** One pass that writes; see `PassOptions`. A store that fails for a while is waited for: what was copied stays, so the pass is run again. */
export async function pass(move: Move, state: MoveState, what: string, kind: PassKind = {}): Promise<TimedPass> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await passOnce(move, state, what, kind);
    } catch (error) {
      if (attempt === attempts || move.signal.aborted || !mayPass(error)) throw error;
      move.progress.say(`${what}: ${error instanceof Error ? error.message : String(error)}; once more in ${againMs / 1000} s`);
      await delay(againMs, undefined, { signal: move.signal });
    }
  }
}

/** False for what stays as it is until somebody does something about it. */
function mayPass(error: unknown): boolean {
  const causes: unknown[] = [];
  for (let cause = error; cause instanceof Error; cause = cause.cause) causes.push(cause);
  return !causes.some((cause) => cause instanceof UsageError || cause instanceof StorageFullError || cause instanceof TypeError);
}

async function passOnce(move: Move, state: MoveState, what: string, { isLast = false, skipsBlobs = false }: PassKind): Promise<TimedPass> {
  const { source, target, moved, given, signal, progress } = move;
  const counts = progress.begin(what);
  try {
    await state.passBegins();
    const outcome = await runPass({
      ...{ source, target, moved, counts, signal, isLast, skipsBlobs, writes: true, concurrency: given.concurrency },
      ...{ blobRecords: state.blobs, uploadRecords: state.uploads },
    });
    await state.passEnds(knownAfter(outcome));
    const seconds = progress.end();
    progress.say(`${what}: ${changes(outcome)} changes in ${seconds.toFixed(1)} s`);
    return { ...outcome, seconds };
  } finally {
    progress.end();
  }
}

/** Compares both sides and writes nothing. */
export async function compare(move: Move, what: string): Promise<TimedPass> {
  const { source, target, to, moved, given, signal, progress } = move;
  const counts = progress.begin(what);
  try {
    const { blobs, uploads } = await findRecord(target, to);
    const outcome = await runPass({
      ...{ source, target, moved, counts, signal, isLast: false, writes: false, concurrency: given.concurrency },
      ...{ blobRecords: blobs, uploadRecords: uploads },
    });
    return { ...outcome, seconds: progress.end() };
  } finally {
    progress.end();
  }
}
