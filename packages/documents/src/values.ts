/** JSON values as MongoDB sees them: what may be stored, which are equal, which comes first. */
import { MAX_DOCUMENT_BYTES } from './limits.ts';
import type { JsonValue } from './port.ts';

/** A JSON object under construction. */
export interface JsonObject {
  [key: string]: JsonValue | undefined;
}

/** MongoDB's limit for nesting. */
const MAX_DEPTH = 100;

/** Whether `value` is an object, neither null nor an array. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Whether `value` is an array; narrows read-only arrays too. */
export function isArray(value: unknown): value is readonly JsonValue[] {
  return Array.isArray(value);
}

/** The own field of `object`, never an inherited one. */
export function own(object: JsonObject, key: string): JsonValue | undefined {
  return Object.hasOwn(object, key) ? object[key] : undefined;
}

/**
 * A deep copy of `value` as it will read back: `undefined` fields dropped, lone surrogates replaced by U+FFFD.
 * `where` names the value in errors. @throws {TypeError} for what is not JSON or cannot be a field name.
 */
export function toJson(value: unknown, where: string, depth = 0): JsonValue {
  switch (typeof value) {
    case 'string':
      return value.isWellFormed() ? value : value.toWellFormed();
    case 'boolean':
      return value;
    case 'number':
      if (!Number.isFinite(value)) throw new TypeError(`${where} is ${value}, which JSON cannot hold`);
      return value + 0; // JSON knows no -0
    case 'object':
      if (value === null) return null;
      if (depth >= MAX_DEPTH) throw new TypeError(`${where} is nested deeper than ${MAX_DEPTH}`);
      if (Array.isArray(value)) return value.map((element: unknown, index) => toJson(element, `${where}.${index}`, depth + 1));
      return toJsonObject(value, where, depth);
    default:
      throw new TypeError(`${where} is of type ${typeof value}, which JSON cannot hold`);
  }
}

/** Names that JavaScript, or MongoDB's driver, takes for something else than a field. */
export function isReserved(name: string): boolean {
  return name === '__proto__' || name === '_bsontype';
}

function toJsonObject(value: object, where: string, depth: number): JsonObject {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && Object.getPrototypeOf(prototype) !== null) {
    throw new TypeError(`${where} is a ${value.constructor.name}, which JSON cannot hold`);
  }
  const copy: JsonObject = {};
  for (const [key, field] of Object.entries(value) as [string, unknown][]) {
    if (field === undefined) continue;
    if (key.startsWith('$') || key.includes('\0') || isReserved(key)) {
      throw new TypeError(`${where} has a field named ${JSON.stringify(key)}, which no document may have`);
    }
    copy[key.isWellFormed() ? key : key.toWellFormed()] = toJson(field, `${where}.${key}`, depth + 1);
  }
  return copy;
}

/** Rank of a value's type in MongoDB's order; `undefined` stands for an empty array's sort key, before null. */
export function typeRank(value: JsonValue | undefined): number {
  if (value === undefined) return 0;
  if (value === null) return 1;
  if (typeof value === 'number') return 2;
  if (typeof value === 'string') return 3;
  if (typeof value === 'boolean') return 6;
  return Array.isArray(value) ? 5 : 4;
}

/** MongoDB's order of all values: negative when `a` comes first, 0 when they are equal. */
export function compareValues(a: JsonValue | undefined, b: JsonValue | undefined): number {
  if (typeof a === 'string' && typeof b === 'string') return compareStrings(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b || (a < b ? -1 : a > b ? 1 : 0);
  const rank = typeRank(a) - typeRank(b);
  if (rank !== 0 || a === b) return rank;
  if (typeof a === 'boolean') return a ? 1 : -1;
  if (isArray(a) && isArray(b)) return compareArrays(a, b);
  if (isObject(a) && isObject(b)) return compareObjects(a, b);
  return 0;
}

/** Whether MongoDB calls them equal: objects with the same fields in the same order. */
export function equalValues(a: JsonValue | undefined, b: JsonValue | undefined): boolean {
  return a === b || (typeof a === 'object' && compareValues(a, b) === 0);
}

function compareArrays(a: readonly JsonValue[], b: readonly JsonValue[]): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const order = compareValues(a[i], b[i]);
    if (order !== 0) return order;
  }
  return a.length - b.length;
}

function compareObjects(a: JsonObject, b: JsonObject): number {
  const namesA = Object.keys(a);
  const namesB = Object.keys(b);
  const length = Math.min(namesA.length, namesB.length);
  for (let i = 0; i < length; i++) {
    const nameA = namesA[i] ?? '';
    const nameB = namesB[i] ?? '';
    const order = typeRank(a[nameA]) - typeRank(b[nameB]) || compareStrings(nameA, nameB) || compareValues(a[nameA], b[nameB]);
    if (order !== 0) return order;
  }
  return namesA.length - namesB.length;
}

/** Code points, as UTF-8 bytes sort; `<` would compare UTF-16 units, which puts astral characters before U+E000. */
function compareStrings(a: string, b: string): number {
  if (a === b) return 0;
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const unitA = a.charCodeAt(i);
    const unitB = b.charCodeAt(i);
    if (unitA !== unitB) return codePointOrder(unitA) - codePointOrder(unitB);
  }
  return a.length - b.length;
}

function codePointOrder(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}

/** `_id` of a document. @throws {TypeError} when it is no string */
export function idOf({ _id }: JsonObject): string {
  if (typeof _id !== 'string') throw new TypeError('a document has a string as _id');
  return _id;
}

/** The text that is stored. @throws {RangeError} */
export function documentText(document: JsonObject): string {
  const text = JSON.stringify(document);
  if (text.length > MAX_DOCUMENT_BYTES) throw new RangeError(`a document is larger than ${MAX_DOCUMENT_BYTES} bytes`);
  return text;
}
