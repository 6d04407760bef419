/** Index entries of a document: MongoDB's values as SQLite values that sort alike. */
import type { IndexSpec, JsonValue } from './port.ts';
import { collectKeys, parseKeyPath, someAt, type Path } from './paths.ts';
import { isArray, isObject, own, typeRank, type JsonObject } from './values.ts';

/** null → -Infinity, numbers and strings as they are, all else → bytes: SQLite orders REAL < TEXT < BLOB as MongoDB does the types. */
export type Key = number | string | Uint8Array;

/** One entry of an index: a key per path. */
export type Entry = readonly Key[];

/** Where text starts and where it ends among keys. */
export const LEAST_TEXT = '';
export const LEAST_BYTES: Uint8Array = new Uint8Array(0);
export const NULL_KEY = Number.NEGATIVE_INFINITY;

/** More entries of one document in one index than this are refused. */
const MAX_ENTRIES = 10_000;

/** An index with its paths parsed. */
export interface KeyPaths {
  readonly paths: readonly Path[];
  readonly directions: readonly (1 | -1)[];
  readonly unique: boolean;
  readonly sparse: boolean;
}

/** The declared index, checked. @throws {TypeError | UnsupportedQueryError} */
export function parseIndex(spec: IndexSpec): KeyPaths {
  const keys = Object.entries(spec.keys);
  if (keys.length === 0 || keys.length > 31) throw new TypeError('an index has 1 to 31 keys');
  for (const [name, direction] of keys) if (direction !== 1 && direction !== -1) throw new TypeError(`the direction of ${name} is 1 or -1`);
  return {
    paths: keys.map(([name]) => parseKeyPath(name)),
    directions: keys.map(([, direction]) => direction),
    unique: spec.unique ?? false,
    sparse: spec.sparse ?? false,
  };
}

/** A value as key; `undefined` is an empty array. */
export function encodeKey(value: JsonValue | undefined): Key {
  if (value === null) return NULL_KEY;
  if (typeof value === 'number' || typeof value === 'string') return value;
  const bytes: number[] = [];
  encode(value, bytes);
  return Uint8Array.from(bytes);
}

const text = new TextEncoder();
const double = new DataView(new ArrayBuffer(8));

function encode(value: JsonValue | undefined, bytes: number[]): void {
  bytes.push(typeRank(value));
  if (typeof value === 'number') encodeNumber(value, bytes);
  else if (typeof value === 'string') encodeText(value, bytes);
  else if (typeof value === 'boolean') bytes.push(value ? 1 : 0);
  else if (isArray(value)) {
    for (const element of value) encode(element, bytes);
    bytes.push(0);
  } else if (isObject(value)) {
    for (const [name, field] of Object.entries(value)) {
      bytes.push(typeRank(field));
      encodeText(name, bytes);
      encode(field, bytes);
    }
    bytes.push(0);
  }
}

function encodeText(value: string, bytes: number[]): void {
  for (const byte of text.encode(value)) {
    bytes.push(byte);
    if (byte === 0) bytes.push(0xff);
  }
  bytes.push(0);
}

/** IEEE 754 with the sign turned so that bytes sort as the numbers do. */
function encodeNumber(value: number, bytes: number[]): void {
  double.setFloat64(0, value + 0);
  const isNegative = double.getUint8(0) >= 0x80;
  for (let i = 0; i < 8; i++) {
    const byte = double.getUint8(i);
    bytes.push(isNegative ? 0xff - byte : i === 0 ? byte | 0x80 : byte);
  }
}

/** What a document has in an index; bit i of `multikey` is set when path i leads through an array. */
export interface DocumentKeys {
  readonly entries: readonly Entry[];
  readonly multikey: number;
}

const NOTHING: DocumentKeys = { entries: [], multikey: 0 };

/**
 * The entries of a document.
 * @throws {RangeError} when they are too many
 * @throws {TypeError} when two paths lead through different arrays, as MongoDB refuses to index
 */
export function documentKeys(index: KeyPaths, document: JsonObject): DocumentKeys {
  const first = index.paths[0];
  if (index.sparse && first && !someAt(document, first.segments, (leaf) => leaf !== undefined)) return NOTHING;
  let multikey = 0;
  let entries: Key[][] = [[]];
  for (const [i, path] of index.paths.entries()) {
    const found: (JsonValue | undefined)[] = [];
    if (collectKeys(document, path.segments, found)) multikey |= 1 << i;
    const keys = found.map(encodeKey);
    if (entries.length * keys.length > MAX_ENTRIES) throw new RangeError(`a document has more than ${MAX_ENTRIES} entries in one index`);
    entries = entries.flatMap((entry) => keys.map((key) => [...entry, key]));
  }
  if ((multikey & (multikey - 1)) !== 0 && new Set(index.paths.map((path) => arrayOn(path, document)).filter(Boolean)).size > 1)
    throw new TypeError(`a document has arrays on two paths of one index: ${index.paths.map(({ name }) => name).join(', ')}`);
  return { entries: multikey === 0 ? entries : distinct(entries), multikey };
}

/** Where the path meets its first array. */
function arrayOn({ segments }: Path, document: JsonObject): string | undefined {
  let value: JsonValue | undefined = document;
  for (let depth = 0; ; depth++) {
    if (isArray(value)) return segments.slice(0, depth).join('.');
    const segment = segments[depth];
    if (segment === undefined || !isObject(value)) return undefined;
    value = own(value, segment);
  }
}

function distinct(entries: readonly Entry[]): Entry[] {
  return [...new Map(entries.map((entry) => [entryName(entry), entry])).values()];
}

function entryName(entry: Entry): string {
  return JSON.stringify(entry.map((key) => (key === NULL_KEY ? null : typeof key === 'object' ? [...key] : key)));
}

/** The entries of `a` that `b` lacks. */
export function entriesWithout(a: readonly Entry[], b: readonly Entry[]): readonly Entry[] {
  if (a.length === 0 || b.length === 0) return a;
  const names = new Set(b.map(entryName));
  return a.filter((entry) => !names.has(entryName(entry)));
}
