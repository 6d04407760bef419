/** All blobs brought from a place to another, or compared: both listings and the record of what was copied are walked side by side. */
import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { BlobNotFoundError, StorageFullError, type BlobInfo, type Blobs, type StoredBlob } from '@kinora/blobs';
import type { Collection } from '@kinora/documents';
import { BatchWriter } from './documents.ts';
import { mergeJoin } from './merge-join.ts';
import type { AnyDocument } from './ports.ts';
import type { BlobRecord } from './state.ts';
import { openPool, type Pool } from './pool.ts';

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
  /** The target has been listed a moment ago and nobody else writes there: the record says what it has. */
  readonly trustsRecord: boolean;
  readonly signal: AbortSignal;
  /** Called with the blobs looked at and the bytes copied since the last call. */
  readonly onBlobs: (blobs: number, bytes: number) => void;
}

const attempts = 4;
const examplesKept = 5;
/** Below this a blob is read whole: one request where streams would take several. */
const smallBytes = 1024 * 1024;
/** Lists take time for each key, and most keys begin with a random id: these parts of the order are about equally long. */
const cuts = ['', 'assets/c', 'assets/k', 'assets/s'] as const;

/** Keys after `after` and up to `until`; to the end when that is undefined. */
interface Range {
  readonly after: string;
  readonly until: string | undefined;
}
const ranges: readonly Range[] = cuts.map((after, index) => ({ after, until: cuts[index + 1] }));

interface Found {
  readonly key: string;
  readonly source: BlobInfo | undefined;
  /** Where the record is trusted, what it says. */
  readonly target: Pick<BlobInfo, 'etag' | 'bytes'> | undefined;
  readonly record: BlobRecord | undefined;
}

async function* listed(blobs: Blobs, { after, until }: Range, { leavesOut, signal }: BlobsOptions): AsyncGenerator<BlobInfo> {
  for await (const info of blobs.list('', { after, signal })) {
    if (until !== undefined && info.key > until) return;
    if (!leavesOut.has(info.key)) yield info;
  }
}

async function* nothing(): AsyncGenerator<never> {}

/** Every key of a range that a side or the record has, in order. */
async function* everyKey(options: BlobsOptions, range: Range): AsyncGenerator<Found> {
  const { source, target, records, trustsRecord, signal } = options;
  const listing = (blobs: Blobs | undefined, name: string) => ({
    items: blobs ? listed(blobs, range, options) : nothing(),
    keyOf: ({ key }: BlobInfo) => key,
    name: `The list of blobs of the ${name}`,
  });
  const lists = {
    items: mergeJoin(listing(source, 'source'), listing(trustsRecord ? undefined : target, 'target')),
    keyOf: ({ key }: { key: string }) => key,
    name: 'The list of blobs',
  };
  const _id = { $gt: range.after, ...(range.until !== undefined && { $lte: range.until }) };
  const recorded = {
    items: records?.scan({ _id }, { signal }) ?? nothing(),
    keyOf: ({ _id: key }: BlobRecord) => key,
    name: 'The record of blobs',
  };
  for await (const { key, left, right: record } of mergeJoin(lists, recorded)) {
    const target = trustsRecord ? record && { etag: record.targetEtag, bytes: record.bytes } : left?.right;
    yield { key, source: left?.left, target, record };
  }
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
  const recordOf = (stored: StoredBlob): BlobRecord => {
    if (stored.bytes !== bytes) throw new Error(`the target has stored ${stored.bytes} of ${bytes} bytes`);
    return { _id: key, bytes, sha256: hash.digest('hex'), sourceEtag: etag, targetEtag: stored.etag };
  };
  try {
    if (listed < smallBytes) {
      return recordOf(await target.put(key, note(await source.read(key)), { signal }));
    }
    const stream = await source.stream(key, undefined, signal);
    const body = (async function* () {
      for await (const chunk of stream) yield note(chunk as Uint8Array);
    })();
    return recordOf(await target.put(key, body, { signal }));
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

/** What a record counts for its batch, beside a part of its blob: records of large blobs are written at once, those of small ones together. */
const recordBytes = 300;

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
    put: (record: BlobRecord, replaces: boolean) =>
      inTurn(() => writer.put(record as unknown as AnyDocument, replaces, recordBytes + record.bytes / 16)),
    delete: (key: string) => inTurn(() => writer.delete(key)),
    end: () => inTurn(async () => void (await writer.end())),
  };
}

class BlobsMirror {
  readonly #options: BlobsOptions;
  readonly #recorder: ReturnType<typeof openRecorder> | undefined;
  readonly #pool: Pool;
  readonly #examples: string[] = [];
  readonly #counts = { blobs: 0, bytes: 0, copied: 0, copiedBytes: 0, deleted: 0 };

  constructor(options: BlobsOptions) {
    this.#options = options;
    this.#recorder = options.writes && options.records ? openRecorder(options.records) : undefined;
    this.#pool = openPool(options.concurrency);
  }

  async run(): Promise<BlobsOutcome> {
    const stop = new AbortController();
    const options = { ...this.#options, signal: AbortSignal.any([this.#options.signal, stop.signal]) };
    const walks = ranges.map((range) =>
      this.#walk(options, range).catch((error: unknown) => {
        stop.abort(error);
        throw error;
      }),
    );
    const settled = await Promise.allSettled(walks);
    try {
      await this.#pool.end();
    } finally {
      await this.#recorder?.end();
    }
    this.#options.signal.throwIfAborted();
    if (settled.some(({ status }) => status === 'rejected')) throw stop.signal.reason;
    return { ...this.#counts, examples: this.#examples.sort().slice(0, examplesKept) };
  }

  async #walk(options: BlobsOptions, range: Range): Promise<void> {
    for await (const found of everyKey(options, range)) {
      this.#count(found);
      if (!isSame(found) && this.#recorder) await this.#pool.add(() => this.#bring(found, options.signal));
    }
  }

  #count(found: Found): void {
    const { key, source, target } = found;
    const counts = this.#counts;
    if (source) {
      counts.blobs += 1;
      counts.bytes += source.bytes;
      this.#options.onBlobs(1, 0);
    }
    if (isSame(found)) return;
    if (this.#examples.length < examplesKept * ranges.length && (source || target)) this.#examples.push(key);
    if (source) {
      counts.copied += 1;
      counts.copiedBytes += source.bytes;
    } else if (target) counts.deleted += 1;
  }

  async #bring({ key, source: info, record: known }: Found, signal: AbortSignal): Promise<void> {
    const { source, target, onBlobs } = this.#options;
    if (!info) {
      await target?.delete(key);
      await this.#recorder?.delete(key);
      return;
    }
    const record = target && (await copy({ source, target, signal }, info));
    if (record) await this.#recorder?.put(record, known !== undefined);
    onBlobs(0, info.bytes);
  }
}

/** Makes the target's blobs those of the source, or compares them by size, ETag and the record. Killed at any moment it can be run again. */
export const mirrorBlobs = (options: BlobsOptions): Promise<BlobsOutcome> => new BlobsMirror(options).run();

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
