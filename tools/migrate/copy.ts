/** Copying while the old installation runs: passes until little is left. */
import { pass, whileTaken, type Move, type TimedPass } from './move.ts';
import { queuesOf } from './look.ts';
import { changes } from './passes.ts';
import { reportOf, type Report } from './report.ts';
import type { MoveState } from './state.ts';

const mostPasses = 10;
/** A pass this short leaves little for the pause. */
const shortSeconds = 10;

/** Passes until one is short, changes nothing, or is not much shorter than the one before. */
export async function catchUp(move: Move, state: MoveState): Promise<TimedPass[]> {
  const passes: TimedPass[] = [];
  while (passes.length < mostPasses) {
    const before = passes.at(-1)?.seconds ?? Number.POSITIVE_INFINITY;
    const last = await pass(move, state, `Pass ${passes.length + 1}`);
    passes.push(last);
    if (last.seconds < shortSeconds || changes(last) === 0 || last.seconds > before * 0.7) break;
  }
  return passes;
}

/** Brings the target near to the source. It may be interrupted and repeated at will. */
export async function copy(move: Move): Promise<Report> {
  const { from, to, moved, source } = move;
  const passes = await whileTaken(move, (state, taken) => catchUp(taken, state));
  const queues = moved.includes('bus') ? await queuesOf(source) : [];
  return reportOf({ mode: 'copy', from: from.name, to: to.name, result: 'copied', remarks: [], queues }, passes);
}
