import type { BlobInfo, BlobReader } from '@kinora/blobs';
import type { HotSegment } from './hot-segments.ts';

/** So much is handed on at once while it arrives. */
const stepBytes = 128 * 1024;

/** A blob on its way into memory: whoever asks meanwhile is sent what is there, and the rest as it comes. Closes the reader it is given. */
export class ArrivingSegment implements HotSegment {
  readonly info: BlobInfo;
  readonly bytes: Buffer;
  users = 0;
  /** Asked for more than once: worth keeping. */
  isWanted = false;
  /** Resolves when all of it is there: true, or when reading has failed: false. */
  readonly arrived: Promise<boolean>;
  #filled = 0;
  #failure: Error | undefined;
  #waiting: (() => void)[] = [];

  constructor(reader: BlobReader) {
    this.info = reader.info;
    this.bytes = Buffer.allocUnsafeSlow(reader.info.bytes);
    this.arrived = this.#fill(reader);
  }

  async #fill(reader: BlobReader): Promise<boolean> {
    try {
      while (this.#filled < this.bytes.length) {
        const step = this.bytes.subarray(this.#filled, this.#filled + stepBytes);
        if ((await reader.read(step, this.#filled)) !== step.length) throw new Error(`${this.info.key} ended early`);
        this.#filled += step.length;
        this.#tell();
      }
      return true;
    } catch (error) {
      this.#failure = error instanceof Error ? error : new Error(String(error));
      return false;
    } finally {
      this.#tell();
      await reader.close();
    }
  }

  #tell(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const wake of waiting) wake();
  }

  /** How many bytes from the start are there, as soon as byte `position` is one of them. @throws what reading threw */
  async reach(position: number): Promise<number> {
    while (this.#filled <= position) {
      if (this.#failure) throw this.#failure;
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
    return this.#filled;
  }
}
