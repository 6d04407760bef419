/** All blobs brought from a place to another, or compared: both listings and the record of what was copied are walked side by side. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BlobNotFoundError, StorageFullError, type BlobInfo, type Blobs } from '@kinora/blobs';
import type { Collection } from '@kinora/documents';
import { BatchWriter } from './documents.ts';
import { mergeJoin } from './merge-join.ts';
import type { AnyDocument } from './ports.ts';
import type { BlobRecord } from './state.ts';
import { openPool } from './pool.ts';

export interface BlobsOutcome {
  /** Blobs of the source and their bytes. */
  readonly blobs: number;
  readonly bytes: number;
  /** Missing or different in the target; copied now, unless this was a comparison. */
  readonly copied: number;
  readonly copiedBytes: number;
  /** In the target only. */
  readonly deleted: number;
  /** The first few keys of both. */
  readonly examples: readonly string[];
}

export interface BlobsOptions {
  readonly source: Blobs;
  /** Undefined when it is not there yet and may not be made. */
  readonly target: Blobs | undefined;
  /** Undefined as `target`. */
  readonly records: Collection<BlobRecord> | undefined;
  /** Keys that are not looked at: sources that still grow. */
  readonly leavesOut: ReadonlySet<string>;
  readonly writes: boolean;
  /** Blobs on their way at once. */
  readonly concurrency: number;
  readonly signal: AbortSignal;
  readonly onBlobs: (blobs: number, bytes: number) => void;
}

const attempts = 4;
const examplesKept = 5;
/** Below this a blob is read whole: one request where streams would take several. */
const smallBytes = 1024 * 1024;
const infoKey = ({ key }: BlobInfo): string => key;

async function* without(infos: AsyncIterable<BlobInfo>, leavesOut: ReadonlySet<string>): AsyncGenerator<BlobInfo> {
  for await (const info of infos) if (!leavesOut.has(info.key)) yield info;
}

async function* nothing(): AsyncGenerator<never> {}

interface Found {
  readonly key: string;
  readonly source: BlobInfo | undefined;
  readonly target: BlobInfo | undefined;
  readonly record: BlobRecord | undefined;
}

/** Every key that a side or the record has, in order. */
async function* everyKey({ source, target, records, leavesOut, signal }: BlobsOptions): AsyncGenerator<Found> {
  const listing = (blobs: Blobs | undefined, name: string) => ({
    items: blobs ? without(blobs.list('', { signal }), leavesOut) : nothing(),
    keyOf: infoKey,
    name: `The list of blobs of the ${name}`,
  });
  const listed = {
    items: mergeJoin(listing(source, 'source'), listing(target, 'target')),
    keyOf: ({ key }: { key: string }) => key,
    name: 'The list of blobs',
  };
  const recorded = { items: records?.scan({}, { signal }) ?? nothing(), keyOf: ({ _id }: BlobRecord) => _id, name: 'The record of blobs' };
  for await (const { key, left, right } of mergeJoin(listed, recorded))
    yield { key, source: left?.left, target: left?.right, record: right };
}

/** The target's copy is what was copied, and the source has not changed since. */
const isSame = ({ source, target, record }: Found): boolean =>
  source !== undefined &&
  source.etag === record?.sourceEtag &&
  source.bytes === record.bytes &&
  target?.etag === record.targetEtag &&
  target.bytes === record.bytes;

/** Copies one blob and says what was copied; undefined when the source has lost it meanwhile. `etag` is the one that was listed. */
async function copyOnce({ source, target, signal }: CopyPorts, { key, bytes: listed, etag }: BlobInfo): Promise<BlobRecord | undefined> {
  const hash = createHash('sha256');
  let bytes = 0;
  const note = (chunk: Uint8Array): Uint8Array => {
    hash.update(chunk);
    bytes += chunk.length;
    return chunk;
  };
  try {
    if (listed < smallBytes) {
      const { etag: targetEtag } = await target.put(key, note(await source.read(key)), { signal });
      return { _id: key, bytes, sha256: hash.digest('hex'), sourceEtag: etag, targetEtag };
    }
    const stream = await source.stream(key, undefined, signal);
    const body = (async function* () {
      for await (const chunk of stream) yield note(chunk as Uint8Array);
    })();
    const { etag: targetEtag } = await target.put(key, body, { signal });
    return { _id: key, bytes, sha256: hash.digest('hex'), sourceEtag: etag, targetEtag };
  } catch (error) {
    if (error instanceof BlobNotFoundError) return undefined;
    throw error;
  }
}

interface CopyPorts {
  readonly source: Blobs;
  readonly target: Blobs;
  readonly signal: AbortSignal;
}

/** A failure of the network is tried again; a full target is not. */
async function copy(ports: CopyPorts, info: BlobInfo): Promise<BlobRecord | undefined> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await copyOnce(ports, info);
    } catch (error) {
      if (attempt === attempts || error instanceof StorageFullError || ports.signal.aborted)
        throw new Error(`The blob ${info.key} could not be copied: ${error instanceof Error ? error.message : String(error)}`, {
          cause: error,
        });
      await delay(250 * 2 ** attempt, undefined, { signal: ports.signal });
    }
  }
}

/** Records written behind the blobs they are about: one that is lost with this process has its blob copied again. */
function openRecorder(records: Collection<BlobRecord>) {
  const writer = new BatchWriter(records as unknown as Collection<AnyDocument>);
  let turn: Promise<unknown> = Promise.resolve();
  const inTurn = (work: () => Promise<void>): Promise<void> => {
    const done = turn.then(work);
    turn = done.catch(() => undefined);
    return done;
  };
  return {
    put: (record: BlobRecord) => inTurn(() => writer.put(record as unknown as AnyDocument, true, 300 + record.bytes / 16)),
    delete: (key: string) => inTurn(() => writer.delete(key)),
    end: () => inTurn(async () => void (await writer.end())),
  };
}

/** Makes the target's blobs those of the source, or compares them by size, ETag and the record. Killed at any moment it can be run again. */
export async function mirrorBlobs(options: BlobsOptions): Promise<BlobsOutcome> {
  const { source, target, records, writes, concurrency, signal, onBlobs } = options;
  const outcome = { blobs: 0, bytes: 0, copied: 0, copiedBytes: 0, deleted: 0, examples: [] as string[] };
  const recorder = writes && records ? openRecorder(records) : undefined;
  const pool = openPool(concurrency);
  const bring = async (info: BlobInfo): Promise<void> => {
    const record = target && (await copy({ source, target, signal }, info));
    if (record) await recorder?.put(record);
    onBlobs(1, info.bytes);
  };
  const drop = async (key: string): Promise<void> => {
    await target?.delete(key);
    await recorder?.delete(key);
  };
  try {
    for await (const found of everyKey(options)) {
      const { key, source: info } = found;
      outcome.blobs += info ? 1 : 0;
      outcome.bytes += info?.bytes ?? 0;
      if (isSame(found)) continue;
      if (outcome.examples.length < examplesKept && (info || found.target)) outcome.examples.push(key);
      if (info) {
        outcome.copied += 1;
        outcome.copiedBytes += info.bytes;
      } else if (found.target) outcome.deleted += 1;
      if (recorder) await pool.add(() => (info ? bring(info) : drop(key)));
    }
  } finally {
    await pool.end();
    await recorder?.end();
  }
  return outcome;
}

/** Reads every recorded blob of the target; the keys of those that are not as they were copied. */
export async function findDamaged(
  options: Pick<BlobsOptions, 'concurrency' | 'signal' | 'onBlobs'> & { readonly target: Blobs; readonly records: Collection<BlobRecord> },
): Promise<string[]> {
  const { target, records, concurrency, signal, onBlobs } = options;
  const damaged: string[] = [];
  const pool = openPool(concurrency);
  const check = async ({ _id: key, bytes, sha256 }: BlobRecord): Promise<void> => {
    const hash = createHash('sha256');
    try {
      for await (const chunk of await target.stream(key, undefined, signal)) hash.update(chunk as Uint8Array);
      if (hash.digest('hex') !== sha256) damaged.push(key);
    } catch (error) {
      if (!(error instanceof BlobNotFoundError)) throw error;
      damaged.push(key);
    }
    onBlobs(1, bytes);
  };
  try {
    for await (const record of records.scan({}, { signal })) await pool.add(() => check(record));
  } finally {
    await pool.end();
  }
  return damaged.sort();
}
