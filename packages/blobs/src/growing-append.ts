import { randomUUID } from 'node:crypto';
import type { AppendOptions, Appending, GrowingBlob } from './growing.ts';
import { pieceName, type PartStore } from './growing-parts.ts';
import { offsetOf, pieceBytes, readState, withPart, withPiece, writeState, type PartsState, type Piece } from './growing-state.ts';
import type { ObjectStore } from './object-store.ts';
import { BlobNotFoundError } from './port.ts';

/** What becomes of the bytes in the buffer. */
type Kind = 'part' | 'piece';

/** Appends by parts and pieces: one buffer is sent while the next one fills. Why it survives what may happen is told in growing-parts.ts. */
export class PartsAppending implements Appending {
  readonly #objects: ObjectStore;
  readonly #parts: PartStore;
  readonly #key: string;
  readonly #lengthBytes: number;
  readonly #options: AppendOptions;
  readonly #signal = new AbortController().signal;
  /** As it was when this began. */
  readonly #start: PartsState;
  /** With all that is stored. */
  #state: PartsState;
  #recorded: PartsState;
  /** A part number that the record has given to this writer, not used yet. */
  #ownNumber: number | undefined;
  #buffer: Buffer = Buffer.alloc(0);
  #spare: Buffer | undefined;
  #filled = 0;
  /** Bytes in the buffer that a piece holds as well. */
  #again = 0;
  /** Bytes of the part being gathered that are in pieces or on their way there. */
  #pieced: number;
  #offset: number;
  #sending: Promise<void> = Promise.resolve();
  #failure: { readonly error: unknown } | undefined;
  /** Pieces that this writer has stored and not removed. */
  readonly #made = new Set<string>();

  constructor(objects: ObjectStore, parts: PartStore, { key, lengthBytes, state }: GrowingBlob, options: AppendOptions) {
    this.#objects = objects;
    this.#parts = parts;
    this.#key = key;
    this.#lengthBytes = lengthBytes;
    this.#options = options;
    this.#start = readState(state);
    this.#state = this.#start;
    this.#recorded = this.#start;
    this.#offset = offsetOf(this.#start);
    this.#pieced = pieceBytes(this.#start);
  }

  get #heldBytes(): number {
    return Math.min(this.#parts.limits.heldBytes, this.#start.partBytes);
  }

  #newBuffer(): Buffer {
    return Buffer.allocUnsafeSlow(Math.min(this.#heldBytes, this.#again + this.#lengthBytes - this.#offset));
  }

  /** Takes the last piece back into memory when there is room for more beside it. */
  async begin(): Promise<void> {
    const last = this.#start.pieces.at(-1);
    const tail = last && last.bytes < this.#heldBytes ? last : undefined;
    this.#again = tail?.bytes ?? 0;
    this.#pieced -= this.#again;
    this.#buffer = this.#newBuffer();
    if (!tail) return;
    for await (const bytes of this.#read(tail)) this.#filled += bytes.copy(this.#buffer, this.#filled);
    this.#state = { ...this.#start, pieces: this.#start.pieces.slice(0, -1) };
  }

  async *#read({ name, bytes }: Piece): AsyncIterable<Buffer> {
    const fetched = await this.#objects.get(pieceName(this.#key, name), { signal: this.#signal });
    if (fetched?.info.bytes !== bytes) throw new BlobNotFoundError(`A piece of ${this.#key} is gone`);
    yield* fetched.body as AsyncIterable<Buffer>;
  }

  async write(chunks: readonly Buffer[]): Promise<void> {
    for (const chunk of chunks) {
      for (let taken = 0; taken < chunk.length;) {
        if (this.#offset === this.#lengthBytes) throw new RangeError(`More bytes than ${this.#key} is to have`);
        const room = Math.min(this.#heldBytes, this.#start.partBytes - this.#pieced);
        const copied = chunk.copy(this.#buffer, this.#filled, taken, taken + room - this.#filled);
        this.#filled += copied;
        this.#offset += copied;
        taken += copied;
        if (this.#filled === room) await this.#send();
      }
    }
    if (this.#failure) throw this.#failure.error;
  }

  /** Sends the buffer, which goes on in the background, and takes the other one. */
  async #send(): Promise<void> {
    await this.#sending;
    if (this.#failure) throw this.#failure.error;
    const bytes = this.#buffer.subarray(0, this.#filled);
    const kind: Kind = this.#filled + this.#pieced === this.#start.partBytes || this.#offset === this.#lengthBytes ? 'part' : 'piece';
    this.#pieced = kind === 'part' ? 0 : this.#pieced + bytes.length;
    this.#filled = 0;
    this.#again = 0;
    [this.#buffer, this.#spare] = [this.#spare ?? this.#newBuffer(), this.#buffer];
    this.#sending = this.#store(kind, bytes).catch((error: unknown) => {
      this.#failure = { error };
    });
  }

  async #store(kind: Kind, bytes: Buffer): Promise<void> {
    await (kind === 'part' ? this.#storePart(bytes) : this.#storePiece(bytes));
    // With more on its way the number of the next part goes into the same record.
    if (kind === 'part' && this.#filled > 0) this.#takeNumber();
    if (!this.#options.isWhole || this.#ownNumber !== undefined) await this.#record(this.#options.isWhole ? this.#start : this.#state);
    await this.#discard([...this.#made].filter((name) => !this.#state.pieces.some((piece) => piece.name === name)));
  }

  async #storePart(bytes: Buffer): Promise<void> {
    if (this.#ownNumber === undefined) {
      this.#takeNumber();
      await this.#record(this.#recorded);
    }
    const number = this.#ownNumber ?? 0;
    this.#ownNumber = undefined;
    const { pieces } = this.#state;
    const length = pieceBytes(this.#state) + bytes.length;
    const place = { key: this.#key, upload: this.#start.upload, number };
    await this.#parts.putPart(place, length, pieces.length === 0 ? bytes : () => this.#joined(pieces, bytes));
    this.#state = withPart(this.#state, number, length);
  }

  async *#joined(pieces: readonly Piece[], bytes: Buffer): AsyncIterable<Uint8Array> {
    for (const piece of pieces) yield* this.#read(piece);
    yield bytes;
  }

  async #storePiece(bytes: Buffer): Promise<void> {
    const name = randomUUID();
    await this.#objects.put(pieceName(this.#key, name), bytes, { ifAbsent: false, signal: this.#signal });
    this.#made.add(name);
    this.#state = withPiece(this.#state, { name, bytes: bytes.length });
  }

  /** Takes the next number for this writer; it is ours once it is recorded. */
  #takeNumber(): void {
    const { nextNumber } = this.#state;
    if (nextNumber > this.#parts.maxNumber) throw new BlobNotFoundError(`${this.#key} was begun too often to be finished`);
    this.#ownNumber = nextNumber;
    this.#state = { ...this.#state, nextNumber: nextNumber + 1 };
  }

  async #record(state: PartsState): Promise<void> {
    const recorded = { ...state, nextNumber: this.#state.nextNumber };
    await this.#options.record(writeState(recorded));
    this.#recorded = recorded;
  }

  /** Gives back a number that was not used. */
  #returnNumber(): void {
    if (this.#ownNumber !== undefined) this.#state = { ...this.#state, nextNumber: this.#ownNumber };
    this.#ownNumber = undefined;
  }

  async keep(): Promise<number> {
    await this.#sending;
    if (!this.#failure && this.#filled > this.#again) await this.#send();
    await this.#sending;
    if (this.#failure) {
      // No record has named them.
      if (this.#options.isWhole) await this.#discard([...this.#made]);
      throw this.#failure.error;
    }
    const isOwed = this.#ownNumber !== undefined;
    this.#returnNumber();
    const hasGrown = this.#offset > offsetOf(this.#start);
    if (hasGrown && (isOwed || this.#options.isWhole)) await this.#record(this.#state);
    if (hasGrown) await this.#discard(this.#start.pieces.filter((piece) => !this.#state.pieces.includes(piece)).map(({ name }) => name));
    return this.#offset;
  }

  async drop(): Promise<void> {
    await this.#sending;
    this.#returnNumber();
    // After a failure it is not known what the record says.
    if (this.#failure || this.#recorded !== this.#start) await this.#record(this.#start);
    await this.#discard([...this.#made]);
  }

  /** Removes pieces that no record names any more; one that cannot be removed now is when the blob is finished. */
  async #discard(names: readonly string[]): Promise<void> {
    for (const name of names) this.#made.delete(name);
    if (names.length > 0) await this.#objects.delete(names.map((name) => pieceName(this.#key, name))).catch(() => undefined);
  }
}
