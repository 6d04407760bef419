/** What a run found and did, as tables for people and as JSON for programs. */
import { writeFileSync } from 'node:fs';
import type { Mode } from './arguments.ts';
import type { TimedPass } from './move.ts';
import { changes } from './passes.ts';
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
    /** Documents that the last pass, or this comparison, found to differ. */
    readonly differing: number;
  }[];
  readonly blobs: { readonly blobs: number; readonly bytes: number; readonly differing: number } | undefined;
  readonly unfinishedUploads: { readonly uploads: number; readonly restarted: number } | undefined;
  /** Messages that wait or are dead, after --finish in the target, else in the source. */
  readonly queues: readonly QueueCount[];
  /** How long writes paused, as far as this command saw: from the old installation's end to the moment the new one may start. */
  readonly pauseSeconds?: number;
}

/** The facts of a run as a report. */
export function reportOf(
  facts: Pick<Report, 'mode' | 'from' | 'to' | 'result' | 'remarks' | 'queues'> & { readonly pauseSeconds?: number },
  passes: readonly TimedPass[],
): Report {
  const { mode } = facts;
  const last = passes.at(-1);
  const blobs = passes.findLast((pass) => pass.blobs !== undefined)?.blobs;
  return {
    ...facts,
    at: new Date().toISOString(),
    passes: passes.map((pass) => ({ seconds: pass.seconds, changes: changes(pass), copiedBytes: pass.blobs?.copiedBytes ?? 0 })),
    collections: (last?.collections ?? []).map(({ collection, source, written, deleted, refused }) => {
      return { collection, ...source, differing: written + deleted + refused };
    }),
    blobs: blobs && { blobs: blobs.blobs, bytes: blobs.bytes, differing: mode === 'finish' ? 0 : blobs.copied + blobs.deleted },
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
  const differing = mode === 'dry-run' || mode === 'copy' ? 'to copy' : 'differing';
  const parts: string[] = [];
  if (collections.length > 0)
    parts.push(
      table(
        ['collection', 'documents', mode === 'copy' ? 'copied' : differing, 'SHA-256'],
        collections.map((row) => [row.collection, row.documents, row.differing, row.sha256.slice(0, 16)]),
      ),
    );
  if (blobs)
    parts.push(
      `  ${blobs.blobs.toLocaleString('en-US')} blobs, ${bytesText(blobs.bytes)}; ${mode === 'copy' ? 'copied' : differing}: ${blobs.differing.toLocaleString('en-US')}`,
    );
  if (unfinishedUploads && unfinishedUploads.uploads > 0)
    parts.push(
      `  unfinished uploads: ${unfinishedUploads.uploads}${unfinishedUploads.restarted > 0 ? `, ${unfinishedUploads.restarted} of which begin again at their first byte` : ''}`,
    );
  if (queues.length > 0)
    parts.push(
      table(
        ['queue', 'waiting', 'dead'],
        queues.map(({ queue, waiting, dead }) => [queue, waiting, dead]),
      ),
    );
  return parts.join('\n\n');
}

/** Writes the report as JSON. */
export const writeReport = (file: string, report: Report): void => writeFileSync(file, `${JSON.stringify(report, undefined, 2)}\n`);
