/** Two sorted streams side by side: what both have, and what only one has, in one pass and constant memory. */

/** What has a place in the order. */
export type KeyOf<T> = (item: T) => string;

/** An item of the left stream, of the right one, or of both under the same key. */
export interface Joined<L, R> {
  readonly key: string;
  readonly left: L | undefined;
  readonly right: R | undefined;
}

const surrogate = /[\ud800-\udfff]/;

/** The order of every adapter: by UTF-8 bytes. Negative when `a` comes first. */
export function compareKeys(a: string, b: string): number {
  if (a === b) return 0;
  if (surrogate.test(a) || surrogate.test(b)) return Buffer.compare(Buffer.from(a), Buffer.from(b));
  return a < b ? -1 : 1;
}

class Cursor<T> {
  readonly #iterator: AsyncIterator<T>;
  readonly #keyOf: KeyOf<T>;
  readonly #name: string;
  item: T | undefined;
  key = '';
  isAtEnd = false;

  constructor(items: AsyncIterable<T>, keyOf: KeyOf<T>, name: string) {
    this.#iterator = items[Symbol.asyncIterator]();
    this.#keyOf = keyOf;
    this.#name = name;
  }

  /** A stream out of order would make present items look absent, and absent ones are deleted: better to stop. */
  async advance(): Promise<void> {
    const next = await this.#iterator.next();
    if (next.done === true) {
      this.isAtEnd = true;
      this.item = undefined;
      return;
    }
    const key = this.#keyOf(next.value);
    if (this.item !== undefined && compareKeys(key, this.key) <= 0)
      throw new Error(`${this.#name} came out of order: ${JSON.stringify(key)} after ${JSON.stringify(this.key)}`);
    this.item = next.value;
    this.key = key;
  }

  async close(): Promise<void> {
    await this.#iterator.return?.();
  }
}

/**
 * Joins two streams that ascend by key. Both are read one item ahead, and ended when the consumer stops early.
 * @throws {Error} when a stream does not ascend
 */
export async function* mergeJoin<L, R>(
  left: { readonly items: AsyncIterable<L>; readonly keyOf: KeyOf<L>; readonly name: string },
  right: { readonly items: AsyncIterable<R>; readonly keyOf: KeyOf<R>; readonly name: string },
): AsyncGenerator<Joined<L, R>> {
  const a = new Cursor(left.items, left.keyOf, left.name);
  const b = new Cursor(right.items, right.keyOf, right.name);
  try {
    await Promise.all([a.advance(), b.advance()]);
    while (!a.isAtEnd || !b.isAtEnd) {
      const order = a.isAtEnd ? 1 : b.isAtEnd ? -1 : compareKeys(a.key, b.key);
      yield { key: order <= 0 ? a.key : b.key, left: order <= 0 ? a.item : undefined, right: order >= 0 ? b.item : undefined };
      if (order === 0) await Promise.all([a.advance(), b.advance()]);
      else await (order < 0 ? a : b).advance();
    }
  } finally {
    await Promise.all([a.close(), b.close()]);
  }
}
