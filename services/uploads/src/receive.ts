/** Takes the body of a request to the blob store: few large writes, bounded memory, and whatever has arrived is written when the client vanishes. */
import type { Hash } from 'node:crypto';
import type { Readable } from 'node:stream';
import type { Appending } from '@kinora/blobs';

export interface ReceiveOptions {
  /** Longest body taken. */
  readonly maxBytes: number;
  readonly idleTimeoutMs: number;
  readonly hash: Hash | undefined;
  /** Ends the body early. */
  readonly signal: AbortSignal;
  /** Called with each piece that arrives. */
  readonly heard: () => void;
  /** Called when a write begins and when it has ended. */
  readonly storing: (isStoring: boolean) => void;
}

/** How a body ended. In every case what was received within `maxBytes` has been written. */
export type Outcome = 'whole' | 'cut' | 'idle' | 'too-long';

/** Written together: large enough that a call costs little per byte. */
const batchBytes = 256 * 1024;
/** Held while a write is under way; beyond it the client waits. */
const heldBytes = 4 * batchBytes;

class Receiver {
  readonly #body: Readable;
  readonly #appending: Appending;
  readonly #options: ReceiveOptions;
  readonly #done = Promise.withResolvers<Outcome>();
  #queue: Buffer[] = [];
  #queued = 0;
  #taken = 0;
  #isWriting = false;
  #outcome: Outcome | undefined;
  #heardAt = performance.now();

  constructor(body: Readable, appending: Appending, options: ReceiveOptions) {
    this.#body = body;
    this.#appending = appending;
    this.#options = options;
  }

  run(): Promise<Outcome> {
    const { idleTimeoutMs, signal } = this.#options;
    const end = (): void => this.#end('whole');
    const cut = (): void => this.#end('cut');
    const watch = setInterval(
      () => {
        if (!this.#isWriting && performance.now() - this.#heardAt > idleTimeoutMs) this.#end('idle');
      },
      Math.min(idleTimeoutMs, 5_000),
    );
    this.#body.on('data', this.#take).once('end', end).once('error', cut).once('close', cut);
    signal.addEventListener('abort', cut, { once: true });
    if (signal.aborted || this.#body.destroyed) cut();
    return this.#done.promise.finally(() => {
      clearInterval(watch);
      signal.removeEventListener('abort', cut);
      this.#body.off('data', this.#take).off('end', end).off('close', cut);
    });
  }

  readonly #take = (chunk: Buffer): void => {
    if (this.#outcome !== undefined) return;
    this.#heardAt = performance.now();
    this.#options.heard();
    const room = this.#options.maxBytes - this.#taken;
    const kept = chunk.length > room ? chunk.subarray(0, room) : chunk;
    this.#options.hash?.update(kept);
    this.#queue.push(kept);
    this.#queued += kept.length;
    this.#taken += kept.length;
    if (kept !== chunk) return this.#end('too-long');
    if (this.#queued >= heldBytes) this.#body.pause();
    if (this.#queued >= batchBytes) this.#write();
  };

  #end(outcome: Outcome): void {
    if (this.#outcome !== undefined) return;
    this.#outcome = outcome;
    this.#write();
  }

  #write(): void {
    if (this.#isWriting) return;
    if (this.#queued === 0) {
      if (this.#outcome !== undefined) this.#done.resolve(this.#outcome);
      return;
    }
    this.#isWriting = true;
    this.#options.storing(true);
    const batch = this.#queue;
    this.#queue = [];
    this.#queued = 0;
    this.#appending.write(batch).then(
      () => {
        batch.forEach(free);
        this.#isWriting = false;
        this.#options.storing(false);
        this.#heardAt = performance.now();
        if (this.#outcome === undefined) this.#body.resume();
        if (this.#outcome !== undefined || this.#queued >= batchBytes) this.#write();
      },
      (error: unknown) => {
        this.#outcome ??= 'cut';
        this.#done.reject(error);
      },
    );
  }
}

/**
 * Gives a chunk's memory back at once. Left to the garbage collector, chunks pile up to hundreds of megabytes and collecting them
 * takes more CPU time than receiving them. Nobody else holds the chunks of a request body.
 */
function free({ buffer, byteOffset, byteLength }: Buffer): void {
  if (buffer instanceof ArrayBuffer && byteOffset === 0 && byteLength === buffer.byteLength) buffer.transfer(0);
}

/** Writes `body`; resolves however the body ends. @throws what the store throws */
export const receive = (body: Readable, appending: Appending, options: ReceiveOptions): Promise<Outcome> =>
  new Receiver(body, appending, options).run();
