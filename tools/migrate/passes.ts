/** A pass: everything of the source looked at once, and what differs brought to the target. */
import type { Ports } from './ports.ts';
import type { PortName } from './place.ts';
import { mirrorBlobs, type BlobsOutcome } from './blobs.ts';
import { digestOf, mirrorCollection, type CollectionOutcome, type Translation } from './documents.ts';
import { openPool } from './pool.ts';
import type { Counts } from './progress.ts';
import type { BlobRecord, KnownDigest } from './state.ts';
import { mirrorUploads, openUploadsOf, recordsOf, translationOf, uploadsName, type UploadRecord, type UploadsOutcome } from './uploads.ts';
import type { Collection } from '@kinora/documents';

/** What a pass works with. */
export interface PassOptions {
  readonly source: Ports;
  readonly target: Ports;
  readonly moved: readonly PortName[];
  /** Undefined where the target has no record and none may be made. */
  readonly blobRecords: Collection<BlobRecord> | undefined;
  readonly uploadRecords: Collection<UploadRecord> | undefined;
  /** False compares only. */
  readonly writes: boolean;
  /** True once nothing writes at the source any more; a pass before, of the same run, has seen all of the target. */
  readonly isLast: boolean;
  /** Blobs have been looked at since nothing writes any more. */
  readonly skipsBlobs?: boolean;
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly counts: Counts;
}

export interface NamedOutcome extends CollectionOutcome {
  /** `<database>.<collection>`. */
  readonly collection: string;
}

export interface PassOutcome {
  readonly collections: readonly NamedOutcome[];
  /** Undefined when blobs stay where they are, or were skipped. */
  readonly blobs: BlobsOutcome | undefined;
  readonly uploads: UploadsOutcome | undefined;
}

/** Databases at once. */
const databasesAtOnce = 3;

/** Collections of either side, of every database, in order. */
async function collectionsOf(source: Ports, target: Ports): Promise<ReadonlyMap<string, readonly string[]>> {
  const databases = [...new Set([...source.databases(), ...(target.exists('documents') ? target.databases() : [])])].sort();
  const found = new Map<string, readonly string[]>();
  for (const database of databases) {
    const names = [...(await source.collections(database)), ...(await target.collections(database))];
    found.set(database, [...new Set(names)].sort());
  }
  return found;
}

async function documentsPass(options: PassOptions, translation: Translation | undefined): Promise<NamedOutcome[]> {
  const { source, target, writes, signal, counts } = options;
  const outcomes: NamedOutcome[] = [];
  const pool = openPool(databasesAtOnce);
  const mirrorDatabase = async (database: string, names: readonly string[]): Promise<void> => {
    for (const name of names) {
      const collection = `${database}.${name}`;
      const outcome = await mirrorCollection({
        name: collection,
        source: await source.existing(database, name),
        target: writes ? target.collection(database, name) : await target.existing(database, name),
        writes,
        signal,
        onDocuments: (count) => (counts.documents += count),
        ...(collection === uploadsName && translation ? { translation } : {}),
      });
      outcomes.push({ collection, ...outcome });
    }
  };
  try {
    for (const [database, names] of await collectionsOf(source, target)) await pool.add(() => mirrorDatabase(database, names));
  } finally {
    await pool.end();
  }
  return outcomes.sort((a, b) => (a.collection < b.collection ? -1 : 1));
}

async function blobsPass(options: PassOptions, leavesOut: ReadonlySet<string>): Promise<BlobsOutcome> {
  const { source, target, blobRecords, writes, isLast, concurrency, signal, counts } = options;
  return mirrorBlobs({
    trustsRecord: isLast,
    source: source.blobs(),
    target: target.exists('blobs') || writes ? target.blobs() : undefined,
    records: blobRecords,
    leavesOut,
    writes,
    concurrency,
    signal,
    onBlobs: (blobs, bytes) => {
      counts.blobs += blobs;
      counts.bytes += bytes;
    },
  });
}

/** Unfinished uploads first, for their documents hold what their bytes became; then documents and blobs side by side. */
export async function runPass(options: PassOptions): Promise<PassOutcome> {
  const { source, target, moved, uploadRecords, writes, isLast, skipsBlobs = false, signal, counts } = options;
  const movesBlobs = moved.includes('blobs') && source.exists('blobs');
  const open = movesBlobs ? await openUploadsOf(source) : new Map<string, never>();
  const uploads =
    movesBlobs && writes && uploadRecords && !skipsBlobs
      ? await mirrorUploads({
          ...{ source: source.blobs(), target: target.blobs(), records: uploadRecords, open, isLast, signal },
          onBytes: (bytes) => (counts.bytes += bytes),
        })
      : undefined;
  const translation = movesBlobs ? translationOf(await recordsOf(uploadRecords)) : undefined;
  const [documents, blobs] = await Promise.allSettled([
    moved.includes('documents') ? documentsPass(options, translation) : [],
    movesBlobs && !skipsBlobs ? blobsPass(options, new Set(open.keys())) : undefined,
  ]);
  for (const settled of [documents, blobs]) if (settled.status === 'rejected') throw settled.reason;
  return {
    collections: documents.status === 'fulfilled' ? documents.value : [],
    blobs: blobs.status === 'fulfilled' ? blobs.value : undefined,
    uploads,
  };
}

/** Documents that were written or deleted, by the pass or, in a comparison, would have been. */
export const documentChanges = ({ collections }: PassOutcome): number =>
  collections.reduce((sum, { written, deleted, refused }) => sum + written + deleted + refused, 0);

/** All changes: documents, blobs, pieces of uploads. */
export const changes = (outcome: PassOutcome): number =>
  documentChanges(outcome) + (outcome.blobs ? outcome.blobs.copied + outcome.blobs.deleted : 0) + (outcome.uploads?.copiedBytes ? 1 : 0);

/** The target's collections as a whole pass leaves them. */
export const knownAfter = ({ collections }: PassOutcome): KnownDigest[] =>
  collections.map(({ collection, source: { documents, sha256 } }) => ({ collection, documents, sha256 }));

/** Collections of the target that are not as the last whole pass left them: somebody else has written there. */
export async function findForeignChanges(target: Ports, known: readonly KnownDigest[], signal: AbortSignal): Promise<string[]> {
  const foreign: string[] = [];
  const neutral = translationOf(new Map());
  for (const { collection, documents, sha256 } of known) {
    const [database = '', name = ''] = collection.split('.');
    const there = await target.existing(database, name);
    const now = there && (await digestOf(there, collection === uploadsName ? neutral : undefined, signal));
    if ((now?.documents ?? 0) !== documents || (now && now.sha256 !== sha256)) foreign.push(collection);
  }
  return foreign;
}
