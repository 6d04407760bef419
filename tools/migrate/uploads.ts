/**
 * Unfinished uploads: their bytes are no blob yet, and the upload's document holds what the blob store needs to go on with them.
 *
 * What can be read at the source is appended to a growing blob of the target under the same key, pass by pass, and the target's document gets the
 * target's state: the client goes on at the same address. Object stores do not give out the bytes of what is unfinished: there an upload begins
 * again at its first byte, still at the same address.
 */
import { createHash } from 'node:crypto';
import { BlobNotFoundError, type Blobs, type GrowingBlob } from '@kinora/blobs';
import { sourceKey } from '@kinora/contracts';
import type { Collection, Identified } from '@kinora/documents';
import type { Translation } from './documents.ts';
import type { AnyDocument, Ports } from './ports.ts';

/** What the move keeps of an unfinished upload; `_id` is the upload's. */
export interface UploadRecord extends Identified {
  /** Of the target's growing blob. */
  readonly state: string;
  readonly lengthBytes: number;
  /** SHA-256 of what was appended each time, and where it ended. */
  readonly ranges: readonly { readonly end: number; readonly sha256: string }[];
}

/** The part of the upload's document that matters here; see README of the service uploads. */
interface UploadFields {
  readonly lengthBytes: number;
  readonly state: 'open' | 'completed';
  readonly growth?: string;
}

type OpenUpload = GrowingBlob & { readonly uploadId: string };

export interface UploadsOutcome {
  readonly uploads: number;
  readonly copiedBytes: number;
  /** Uploads that begin again, as the source does not give out their bytes. */
  readonly restarted: number;
}

export interface UploadsOptions {
  readonly source: Blobs;
  readonly target: Blobs;
  readonly records: Collection<UploadRecord>;
  readonly open: ReadonlyMap<string, OpenUpload>;
  /** Reads what was copied before once more at the source: bytes that a checksum had not confirmed may have been replaced. */
  readonly isLast: boolean;
  readonly signal: AbortSignal;
  readonly onBytes: (bytes: number) => void;
}

/** Appended and recorded at a time. */
const stepBytes = 64 * 1024 * 1024;
const uploadsCollection = ['uploads', 'uploads'] as const;
/** As passes name it. */
export const uploadsName = uploadsCollection.join('.');

/** Uploads of `ports` that have not been completed, by key. */
export async function openUploadsOf(ports: Ports): Promise<ReadonlyMap<string, OpenUpload>> {
  const open = new Map<string, OpenUpload>();
  const collection = await ports.existing(...uploadsCollection);
  for await (const document of collection?.scan({ state: 'open', removedAt: { $exists: false } }) ?? []) {
    const { lengthBytes, growth = '' } = document as unknown as UploadFields;
    open.set(sourceKey(document._id), { uploadId: document._id, key: sourceKey(document._id), lengthBytes, state: growth });
  }
  return open;
}

const isOpen = (document: AnyDocument): boolean => document['state'] === 'open';

/** Documents of uploads as the target is to have them: with the states of its own growing blobs. */
export function translationOf(records: ReadonlyMap<string, UploadRecord>): Translation {
  return {
    neutral: (document) => (isOpen(document) ? withState(document, undefined) : document),
    forTarget: (document) => (isOpen(document) ? withState(document, records.get(document._id)?.state) : document),
  };
}

/** Whoever had a lease on the upload is not there any more; where its bytes are is the target's own. */
function withState({ growth: _growth, lease: _lease, unfenced: _unfenced, ...rest }: AnyDocument, state: string | undefined): AnyDocument {
  return state === undefined ? rest : { ...rest, growth: state };
}

const digest = (): ReturnType<typeof createHash> => createHash('sha256');

/** One unfinished upload on its way. */
class UploadMirror {
  readonly #options: UploadsOptions;
  readonly #upload: OpenUpload;
  #record: UploadRecord;

  private constructor(options: UploadsOptions, upload: OpenUpload, record: UploadRecord) {
    this.#options = options;
    this.#upload = upload;
    this.#record = record;
  }

  /** Goes on with what `record` says, or begins. */
  static async open(options: UploadsOptions, upload: OpenUpload, record: UploadRecord | undefined): Promise<UploadMirror> {
    const known: UploadRecord = record ?? { _id: upload.uploadId, state: '', lengthBytes: upload.lengthBytes, ranges: [] };
    const mirror = new UploadMirror(options, upload, known);
    if (record === undefined || (await mirror.#offset()) !== mirror.#end) await mirror.#restart();
    return mirror;
  }

  /** Bytes at the target that are accounted for. */
  get #end(): number {
    return this.#record.ranges.at(-1)?.end ?? 0;
  }

  get #blob(): GrowingBlob {
    return { key: this.#upload.key, lengthBytes: this.#record.lengthBytes, state: this.#record.state };
  }

  #offset(): Promise<number | undefined> {
    return this.#options.target.growing.offset(this.#blob);
  }

  async #save(record: UploadRecord): Promise<void> {
    const { _id, ...fields } = record;
    await this.#options.records.updateOne({ _id }, { $set: fields }, { upsert: true });
    this.#record = record;
  }

  async #restart(): Promise<void> {
    const { key, lengthBytes } = this.#upload;
    const { growing } = this.#options.target;
    await growing.remove(key);
    await this.#save({ ...this.#record, lengthBytes, ranges: [], state: await growing.create(key, lengthBytes) });
  }

  /** Appends what the source has more; returns how much that was, or undefined when the source does not give it out. */
  async bring(): Promise<number | undefined> {
    const { source, isLast } = this.#options;
    const available = (await source.growing.offset(this.#upload)) ?? 0;
    if (available > 0 && ((await source.stat(this.#upload.key))?.bytes ?? 0) < available) return undefined;
    if (this.#end > available || (isLast && !(await this.#isUnchanged()))) await this.#restart();
    const before = this.#end;
    while (this.#end < available && (await this.#append(Math.min(this.#end + stepBytes, available))));
    return this.#end - before;
  }

  async #isUnchanged(): Promise<boolean> {
    let start = 0;
    for (const { end, sha256 } of this.#record.ranges) {
      const hash = digest();
      for await (const chunk of await this.#read(start, end)) hash.update(chunk as Uint8Array);
      if (hash.digest('hex') !== sha256) return false;
      start = end;
    }
    return true;
  }

  #read(start: number, end: number) {
    return this.#options.source.stream(this.#upload.key, { start, end }, this.#options.signal);
  }

  /** False when the source has meanwhile lost what was to be read: the next pass sees how it is then. */
  async #append(end: number): Promise<boolean> {
    const { target, signal, onBytes } = this.#options;
    const start = this.#end;
    const hash = digest();
    let isKept = false;
    const record = (state: string): Promise<void> =>
      this.#save({
        ...this.#record,
        state,
        ...(isKept && { ranges: [...this.#ranges(start), { end, sha256: hash.copy().digest('hex') }] }),
      });
    // Counted whole or not at all: an interrupted step leaves the offset where the record has it.
    const appending = await target.growing.append(this.#blob, { isWhole: true, record });
    let bytes = 0;
    try {
      for await (const chunk of await this.#read(start, end)) {
        hash.update(chunk as Buffer);
        await appending.write([chunk as Buffer]);
        bytes += (chunk as Buffer).length;
        onBytes((chunk as Buffer).length);
        signal.throwIfAborted();
      }
    } catch (error) {
      await appending.drop();
      if (error instanceof BlobNotFoundError) return false;
      throw error;
    }
    isKept = bytes === end - start;
    await (isKept ? appending.keep() : appending.drop());
    return isKept;
  }

  #ranges(start: number): UploadRecord['ranges'] {
    return this.#record.ranges.filter(({ end }) => end <= start);
  }
}

/** What was unfinished at an earlier pass and is a blob now, or gone: blobs are copied whole. */
async function forgetFinished({ target, records, open }: UploadsOptions): Promise<void> {
  for await (const { _id } of records.scan({})) {
    if (open.has(sourceKey(_id))) continue;
    await target.growing.remove(sourceKey(_id));
    await records.deleteOne({ _id });
  }
}

/** Brings the bytes of unfinished uploads. Killed at any moment it can be run again. */
export async function mirrorUploads(options: UploadsOptions): Promise<UploadsOutcome> {
  const { open, records, signal } = options;
  await forgetFinished(options);
  let [copiedBytes, restarted] = [0, 0];
  for (const upload of open.values()) {
    signal.throwIfAborted();
    const mirror = await UploadMirror.open(options, upload, await records.findOne({ _id: upload.uploadId }));
    const copied = await mirror.bring();
    copiedBytes += copied ?? 0;
    restarted += copied === undefined ? 1 : 0;
  }
  return { uploads: open.size, copiedBytes, restarted };
}

/** The records of a move, by upload. */
export async function recordsOf(records: Collection<UploadRecord> | undefined): Promise<ReadonlyMap<string, UploadRecord>> {
  const found = new Map<string, UploadRecord>();
  for await (const record of records?.scan({}) ?? []) found.set(record._id, record);
  return found;
}

/** Where the documents stay and the blobs go: gives the documents the states of the new store. The old store is out of use from then on. */
export async function rewriteStates(ports: Ports, records: Collection<UploadRecord>): Promise<void> {
  const uploads = await ports.existing(...uploadsCollection);
  for (const { _id, state } of (await recordsOf(records)).values())
    await uploads?.updateOne({ _id, state: 'open' }, { $set: { growth: state }, $unset: { lease: true, unfenced: true } });
}
