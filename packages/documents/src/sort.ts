/** Sorting with MongoDB's meaning: an array sorts by its least element ascending and by its greatest descending. */
import type { JsonValue } from './port.ts';
import { UnsupportedQueryError } from './port.ts';
import { collectKeys, parseKeyPath, type Path } from './paths.ts';
import { compareValues, isObject, type JsonObject } from './values.ts';

export interface SortKey {
  readonly path: Path;
  readonly direction: 1 | -1;
}

/** The sort as a list of keys. @throws {UnsupportedQueryError} */
export function parseSort(sort: unknown): readonly SortKey[] {
  if (sort === undefined) return [];
  if (!isObject(sort)) throw new UnsupportedQueryError('a sort is an object of field paths');
  return Object.entries(sort).map(([name, direction]) => {
    if (direction !== 1 && direction !== -1) throw new UnsupportedQueryError(`the sort direction of ${name} is 1 or -1`);
    return { path: parseKeyPath(name), direction };
  });
}

type SortValues = readonly (JsonValue | undefined)[];

function sortValues(document: JsonObject, keys: readonly SortKey[]): SortValues {
  return keys.map(({ path, direction }) => {
    const found: (JsonValue | undefined)[] = [];
    collectKeys(document, path.segments, found);
    return found.reduce((best, value) => (compareValues(value, best) * direction < 0 ? value : best), found[0]);
  });
}

/** Keeps the first `capacity` of the documents added, in order of the sort; equal ones stay in order of arrival. */
export class FirstSorted {
  readonly #keys: readonly SortKey[];
  readonly #capacity: number;
  readonly #kept: { readonly values: SortValues; readonly document: JsonObject }[] = [];

  constructor(keys: readonly SortKey[], capacity: number) {
    this.#keys = keys;
    this.#capacity = capacity;
  }

  add(document: JsonObject): void {
    const values = sortValues(document, this.#keys);
    const last = this.#kept.at(-1);
    if (last && this.#kept.length >= this.#capacity && this.#compare(values, last.values) >= 0) return;
    let low = 0;
    let high = this.#kept.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const at = this.#kept[middle];
      if (at && this.#compare(values, at.values) < 0) high = middle;
      else low = middle + 1;
    }
    this.#kept.splice(low, 0, { values, document });
    if (this.#kept.length > this.#capacity) this.#kept.pop();
  }

  /** The documents kept, first one first. */
  documents(): JsonObject[] {
    return this.#kept.map(({ document }) => document);
  }

  #compare(a: SortValues, b: SortValues): number {
    for (const [i, { direction }] of this.#keys.entries()) {
      const order = compareValues(a[i], b[i]) * direction;
      if (order !== 0) return order;
    }
    return 0;
  }
}
