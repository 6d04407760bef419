/** What a run found and did, as tables for people and as JSON for programs. */
import { writeFileSync } from 'node:fs';
import type { Mode } from './arguments.ts';
import type { TimedPass } from './move.ts';
import { changes, type NamedOutcome } from './passes.ts';
import { bytesText } from './progress.ts';

export interface QueueCount {
  readonly queue: string;
  readonly waiting: number;
  readonly dead: number;
}

export interface Report {
  readonly mode: Mode;
  readonly from: string;
  readonly to: string;
  readonly at: string;
  /** `copied`: the rest is for --finish. `done`: the target may be started. `equal` and `different` are said by --verify, `possible` and `refused` by --dry-run. */
  readonly result: 'copied' | 'done' | 'equal' | 'different' | 'possible' | 'refused';
  /** Sentences about what stands in the way or differs. */
  readonly remarks: readonly string[];
  readonly passes: readonly { readonly seconds: number; readonly changes: number; readonly copiedBytes: number }[];
  readonly collections: readonly {
    readonly collection: string;
    readonly documents: number;
    readonly sha256: string;
    /** Documents that were brought, changed or deleted by this run. */
    readonly brought: number;
    /** Documents that the last look found to differ. */
    readonly differing: number;
  }[];
  /** `brought` and `differing` as above. */
  readonly blobs: { readonly blobs: number; readonly bytes: number; readonly brought: number; readonly differing: number } | undefined;
  readonly unfinishedUploads: { readonly uploads: number; readonly restarted: number } | undefined;
  /** Messages that wait or are dead, after --finish in the target, else in the source. */
  readonly queues: readonly QueueCount[];
  /** How long writes paused, as far as this command saw: from the old installation's end to the moment the new one may start. */
  readonly pauseSeconds?: number;
}

const differingOf = ({ written, deleted, refused }: NamedOutcome): number => written + deleted + refused;

function collectionsOf(passes: readonly TimedPass[], writes: boolean): Report['collections'] {
  return (passes.at(-1)?.collections ?? []).map((last) => {
    const brought = passes
      .flatMap(({ collections }) => collections.filter(({ collection }) => collection === last.collection))
      .reduce((sum, outcome) => sum + differingOf(outcome), 0);
    return { collection: last.collection, ...last.source, brought: writes ? brought : 0, differing: differingOf(last) };
  });
}

function blobsOf(passes: readonly TimedPass[], writes: boolean): Report['blobs'] {
  const looks = passes.flatMap(({ blobs }) => (blobs ? [blobs] : []));
  const last = looks.at(-1);
  if (!last) return undefined;
  const brought = looks.reduce((sum, { copied, deleted }) => sum + copied + deleted, 0);
  return { blobs: last.blobs, bytes: last.bytes, brought: writes ? brought : 0, differing: writes ? 0 : last.copied + last.deleted };
}

/** The facts of a run as a report. */
export function reportOf(
  facts: Pick<Report, 'mode' | 'from' | 'to' | 'result' | 'remarks' | 'queues'> & { readonly pauseSeconds?: number },
  passes: readonly TimedPass[],
): Report {
  const writes = facts.mode === 'copy' || facts.mode === 'finish';
  return {
    ...facts,
    at: new Date().toISOString(),
    passes: passes.map((pass) => ({ seconds: pass.seconds, changes: changes(pass), copiedBytes: pass.blobs?.copiedBytes ?? 0 })),
    collections: collectionsOf(passes, writes),
    blobs: blobsOf(passes, writes),
    unfinishedUploads: passes.findLast(({ uploads }) => uploads !== undefined)?.uploads,
  };
}

/** Columns of text, the first to the left and numbers to the right. */
function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const cells = [head, ...rows.map((row) => row.map((cell) => (typeof cell === 'number' ? cell.toLocaleString('en-US') : cell)))];
  const widths = head.map((_, column) => Math.max(...cells.map((row) => row[column]?.length ?? 0)));
  const isNumber = head.map((_, column) => rows.every((row) => typeof row[column] === 'number'));
  const lineOf = (row: readonly string[]): string =>
    row.map((cell, column) => (isNumber[column] ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0))).join('  ');
  return cells.map((row) => `  ${lineOf(row).trimEnd()}`).join('\n');
}

/** The report as people read it. */
export function reportText({ mode, collections, blobs, unfinishedUploads, queues }: Report): string {
  const [column, words] =
    mode === 'dry-run'
      ? (['differing', 'to copy'] as const)
      : mode === 'verify'
        ? (['differing', 'differing'] as const)
        : (['brought', 'brought'] as const);
  const parts: string[] = [];
  if (collections.length > 0) {
    const rows = collections.map((row) => [row.collection, row.documents, row[column], row.sha256.slice(0, 16)]);
    parts.push(table(['collection', 'documents', words, 'SHA-256'], rows));
  }
  if (blobs)
    parts.push(
      `  blobs: ${blobs.blobs.toLocaleString('en-US')} (${bytesText(blobs.bytes)}), ${words}: ${blobs[column].toLocaleString('en-US')}`,
    );
  if (unfinishedUploads && unfinishedUploads.uploads > 0) {
    const { uploads, restarted } = unfinishedUploads;
    parts.push(`  unfinished uploads: ${uploads}${restarted > 0 ? `, ${restarted} of which begin again at their first byte` : ''}`);
  }
  if (queues.length > 0) {
    const rows = queues.map(({ queue, waiting, dead }) => [queue, waiting, dead]);
    parts.push(table(['queue', 'waiting', 'dead'], rows));
  }
  return parts.join('\n\n');
}

/** Writes the report as JSON. */
export const writeReport = (file: string, report: Report): void => writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
