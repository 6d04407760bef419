/** With fewer, every response beyond them pays for memory that the system hands out page by page: half of a cold segment's time. */
const maxIdle = 16;

/** Large buffers for reading, lent to one response at a time; at most sixteen are kept for the next ones. */
export class BufferPool {
  readonly #bufferBytes: number;
  readonly #idle: Buffer[] = [];

  constructor(bufferBytes: number) {
    this.#bufferBytes = bufferBytes;
  }

  /** Buffers that wait for their next use. */
  get idle(): number {
    return this.#idle.length;
  }

  take(): Buffer {
    return this.#idle.pop() ?? Buffer.allocUnsafeSlow(this.#bufferBytes);
  }

  /** The giver must not touch `buffer` afterwards, nor have it in a write under way. */
  give(buffer: Buffer): void {
    if (this.#idle.length < maxIdle) this.#idle.push(buffer);
  }
}
