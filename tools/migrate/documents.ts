/** One collection brought from a place to another, or compared: both sides are scanned in `_id` order, and only what differs is written. */
import { createHash, type Hash } from 'node:crypto';
import { DuplicateKeyError, type Collection } from '@kinora/documents';
import { mergeJoin } from './merge-join.ts';
import type { AnyDocument } from './ports.ts';

/** Number of documents and SHA-256 over them: each as JSON with sorted field names and a newline, in `_id` order. */
export interface Digest {
  readonly documents: number;
  readonly sha256: string;
}

export interface CollectionOutcome {
  readonly source: Digest;
  /** As the target was when it was read. */
  readonly target: Digest;
  /** Documents that were missing or different; they are now as in the source, unless this was a comparison. */
  readonly written: number;
  /** Documents that the source does not have. */
  readonly deleted: number;
  /** The first few `_id`s of both. */
  readonly examples: readonly string[];
  /** Documents that the target's unique indexes refused; while the source changes that may happen, and the next pass brings them. */
  readonly refused: number;
}

/** For documents that hold something of the place that they lie in. */
export interface Translation {
  /** The document without it: what is compared, and what checksums are made of. */
  readonly neutral: (document: AnyDocument) => AnyDocument;
  /** The document as the target is to have it. */
  readonly forTarget: (document: AnyDocument) => AnyDocument;
}

export interface CollectionOptions {
  /** `<database>.<collection>`. */
  readonly name: string;
  /** Undefined where there is none. */
  readonly source: Collection<AnyDocument> | undefined;
  readonly target: Collection<AnyDocument> | undefined;
  /** False compares only; needs `target` otherwise. */
  readonly writes: boolean;
  /** What the sides may differ in, for it belongs to the place. */
  readonly translation?: Translation;
  readonly signal: AbortSignal;
  /** Called with the documents looked at since the last call. */
  readonly onDocuments: (count: number) => void;
}

const scanBatch = 200;
/** Written together; with documents of some kilobytes this is below a megabyte or two. */
const writeBatch = 200;
const writeBytes = 4 * 1024 * 1024;
const examplesKept = 5;

/** `value` as JSON with sorted field names: the same text for the same content from every adapter. */
export function canonical(value: unknown): string {
  return JSON.stringify(value, (_, field: unknown) => {
    if (typeof field !== 'object' || field === null || Array.isArray(field)) return field;
    return Object.fromEntries(Object.entries(field).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

class Digester {
  readonly #hash: Hash = createHash('sha256');
  #documents = 0;

  add(text: string): void {
    this.#hash.update(text).update('\n');
    this.#documents += 1;
  }

  get digest(): Digest {
    return { documents: this.#documents, sha256: this.#hash.copy().digest('hex') };
  }
}

/** Writes to a target in batches, the next one being gathered while the last is on its way. */
export class BatchWriter {
  readonly #target: Collection<AnyDocument>;
  #stale: string[] = [];
  #fresh: AnyDocument[] = [];
  #bytes = 0;
  #underWay: Promise<void> = Promise.resolve();
  /** Refused by a unique index: whatever is in the way goes later in the same pass. */
  #refused: AnyDocument[] = [];

  constructor(target: Collection<AnyDocument>) {
    this.#target = target;
  }

  /** Makes `document` what the target has under its `_id`; `replaces` when there is something already. */
  async put(document: AnyDocument, replaces: boolean, bytes: number): Promise<void> {
    if (replaces) this.#stale.push(document._id);
    this.#fresh.push(document);
    this.#bytes += bytes;
    await this.#flushWhenFull();
  }

  async delete(id: string): Promise<void> {
    this.#stale.push(id);
    await this.#flushWhenFull();
  }

  /** Writes what is left and tries refused documents again; how many were refused for good. */
  async end(): Promise<number> {
    await this.#flush();
    await this.#underWay;
    const again = this.#refused.splice(0);
    for (const document of again) await this.#insertOne(document);
    return this.#refused.length;
  }

  async #flushWhenFull(): Promise<void> {
    if (this.#stale.length + this.#fresh.length >= writeBatch || this.#bytes >= writeBytes) await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#underWay;
    const [stale, fresh] = [this.#stale.splice(0), this.#fresh.splice(0)];
    this.#bytes = 0;
    this.#underWay = this.#write(stale, fresh);
    // Thrown where it is awaited.
    this.#underWay.catch(() => undefined);
  }

  /** Killed in between, documents are missing from the target, which the next pass sees. */
  async #write(stale: readonly string[], fresh: readonly AnyDocument[]): Promise<void> {
    if (stale.length > 0) await this.#target.deleteMany({ _id: { $in: stale } });
    if (fresh.length === 0) return;
    try {
      await this.#target.insertMany(fresh);
    } catch (error) {
      if (!(error instanceof DuplicateKeyError)) throw error;
      for (const document of fresh) await this.#insertOne(document);
    }
  }

  async #insertOne(document: AnyDocument): Promise<void> {
    try {
      await this.#target.insertOne(document);
    } catch (error) {
      if (!(error instanceof DuplicateKeyError)) throw error;
      this.#refused.push(document);
    }
  }
}

const asItIs: Translation = { neutral: (document) => document, forTarget: (document) => document };

async function* nothing(): AsyncGenerator<never> {}

/** Both sides in `_id` order. */
function sidesOf({ name, source, target, signal }: CollectionOptions) {
  const side = (collection: Collection<AnyDocument> | undefined, place: string) => ({
    items: collection?.scan({}, { batchSize: scanBatch, signal }) ?? nothing(),
    keyOf: ({ _id }: AnyDocument) => _id,
    name: `${name} of the ${place}`,
  });
  return [side(source, 'source'), side(target, 'target')] as const;
}

interface Compared {
  /** Canonical texts for the digests. */
  readonly ours: string | undefined;
  readonly theirs: string | undefined;
  /** As the target is to have it. */
  readonly wanted: AnyDocument | undefined;
  readonly isEqual: boolean;
}

/** Most documents are the same to the letter, and need no translation: then one text serves for all. */
function compareTwo(left: AnyDocument | undefined, right: AnyDocument | undefined, { neutral, forTarget }: Translation): Compared {
  const wanted = left && forTarget(left);
  const ours = left && canonical(neutral(left));
  const isSame = left !== undefined && right !== undefined && JSON.stringify(left) === JSON.stringify(right);
  const theirs = isSame ? ours : right && canonical(neutral(right));
  const isTranslated = wanted !== left || (right && neutral(right) !== right);
  const isEqual = isTranslated ? canonical(wanted ?? null) === canonical(right ?? null) : ours === theirs;
  return { ours, theirs, wanted, isEqual };
}

/** Makes the target's collection equal to the source's, or compares them. Killed at any moment it can be run again. */
export async function mirrorCollection(options: CollectionOptions): Promise<CollectionOutcome> {
  const { target, writes, onDocuments, translation = asItIs } = options;
  const [source, found] = [new Digester(), new Digester()];
  const writer = writes && target ? new BatchWriter(target) : undefined;
  const examples: string[] = [];
  let [written, deleted] = [0, 0];
  for await (const { key, left, right } of mergeJoin(...sidesOf(options))) {
    onDocuments(1);
    const { ours, theirs, wanted, isEqual } = compareTwo(left, right, translation);
    if (ours !== undefined) source.add(ours);
    if (theirs !== undefined) found.add(theirs);
    if (isEqual) continue;
    if (examples.length < examplesKept) examples.push(key);
    if (wanted) written += 1;
    else deleted += 1;
    if (wanted) await writer?.put(wanted, right !== undefined, ours?.length ?? 0);
    else await writer?.delete(key);
  }
  const refused = (await writer?.end()) ?? 0;
  return { source: source.digest, target: found.digest, written, deleted, examples, refused };
}

/** The digest of one side alone. */
export async function digestOf(
  collection: Collection<AnyDocument>,
  { neutral }: Translation = asItIs,
  signal?: AbortSignal,
): Promise<Digest> {
  const digester = new Digester();
  for await (const document of collection.scan({}, { batchSize: scanBatch, ...(signal && { signal }) }))
    digester.add(canonical(neutral(document)));
  return digester.digest;
}
