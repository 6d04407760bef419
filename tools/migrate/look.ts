/** The modes that write nothing: `--dry-run` and `--verify`. */
import { findDamaged } from './blobs.ts';
import { compareDepths } from './bus.ts';
import { compare, findObstacles, lookAtBoth, type Move } from './move.ts';
import { changes } from './passes.ts';
import type { Ports } from './ports.ts';
import { reportOf, type QueueCount, type Report } from './report.ts';
import { findRecord } from './state.ts';

/** Queues that are not empty; none where there is no bus yet. */
export const queuesOf = async (ports: Ports): Promise<readonly QueueCount[]> =>
  ports.exists('bus') ? compareDepths(await ports.bus().depths()) : [];

/** Says what a copy would bring, and what stands in its way. */
export async function dryRun(move: Move): Promise<Report> {
  const { from, to, moved, source } = move;
  const { view, installationId } = await lookAtBoth(move);
  const remarks = await findObstacles(move, view, installationId);
  const pass = await compare(move, 'Looking');
  const queues = moved.includes('bus') ? await queuesOf(source) : [];
  return reportOf({ mode: 'dry-run', from: from.name, to: to.name, result: remarks.length > 0 ? 'refused' : 'possible', remarks, queues }, [
    pass,
  ]);
}

const listOf = (names: readonly string[]): string => names.join(', ');

/** Compares documents by content, blobs with the bytes that were copied, and queues once the move has ended. */
export async function verify(move: Move): Promise<Report> {
  const { from, to, moved, source, target } = move;
  await lookAtBoth(move);
  const pass = await compare(move, 'Comparing');
  const remarks = pass.collections
    .filter(({ written, deleted }) => written + deleted > 0)
    .map(
      ({ collection, written, deleted, examples }) =>
        `${collection}: ${written} missing or different, ${deleted} too many (${listOf(examples)})`,
    );
  if (pass.blobs && pass.blobs.copied + pass.blobs.deleted > 0)
    remarks.push(`blobs: ${pass.blobs.copied} missing or different, ${pass.blobs.deleted} too many (${listOf(pass.blobs.examples)})`);
  const damaged = await damagedBlobs(move);
  if (damaged.length > 0) remarks.push(`blobs: ${damaged.length} have other bytes than were copied (${listOf(damaged.slice(0, 5))})`);
  const [here, there] = moved.includes('bus') ? [await queuesOf(source), await queuesOf(target)] : [[], []];
  const { move: document } = await findRecord(target, to);
  if (document?.phase === 'done' && JSON.stringify(here) !== JSON.stringify(there))
    remarks.push('queues: other messages wait than in the source');
  const isEqual = remarks.length === 0 && changes(pass) === 0;
  return reportOf({ mode: 'verify', from: from.name, to: to.name, result: isEqual ? 'equal' : 'different', remarks, queues: here }, [pass]);
}

async function damagedBlobs({ target, to, moved, given, signal, progress }: Move): Promise<readonly string[]> {
  const { blobs: records } = await findRecord(target, to);
  if (!records || !moved.includes('blobs')) return [];
  const counts = progress.begin('Reading blobs');
  try {
    return await findDamaged({
      ...{ target: target.blobs(), records, concurrency: given.concurrency, signal },
      onBlobs: (blobs, bytes) => {
        counts.blobs += blobs;
        counts.bytes += bytes;
      },
    });
  } finally {
    progress.end();
  }
}
