/** Field paths: `a.b` through objects and, as MongoDB does, through the elements of arrays. */
import type { JsonValue } from './port.ts';
import { UnsupportedQueryError } from './port.ts';
import { isArray, isObject, isReserved, own } from './values.ts';

export interface Path {
  readonly name: string;
  readonly segments: readonly string[];
}

const POSITION = /^(?:0|[1-9]\d{0,5})$/;
const MAX_CACHED = 2000;
const cache = new Map<string, Path>();

/** The path called `name`, checked. @throws {UnsupportedQueryError} for empty segments, `$`, NUL and reserved names. */
export function parsePath(name: string): Path {
  const known = cache.get(name);
  if (known) return known;
  const segments = name.split('.');
  if (segments.length > 100) throw new UnsupportedQueryError('a field path has more than 100 segments');
  for (const segment of segments) {
    if (segment === '' || segment.startsWith('$') || isReserved(segment) || segment.includes('\0') || !segment.isWellFormed()) {
      throw new UnsupportedQueryError(`${JSON.stringify(name)} is not a field path`);
    }
  }
  const path = { name, segments };
  if (cache.size >= MAX_CACHED) cache.clear();
  cache.set(name, path);
  return path;
}

/** As `parsePath`, for sorts and indexes, which take no array positions. @throws {UnsupportedQueryError} */
export function parseKeyPath(name: string): Path {
  const path = parsePath(name);
  if (path.segments.some((segment) => POSITION.test(segment))) {
    throw new UnsupportedQueryError(`${JSON.stringify(name)} has an array position, which sorts and indexes do not take`);
  }
  return path;
}

/** The array position that a segment means, or undefined. */
export function arrayPosition(segment: string): number | undefined {
  return POSITION.test(segment) ? Number(segment) : undefined;
}

/** Calls `visit` with each value a filter on the path looks at (undefined where it is missing) until one call returns true. */
export function someAt(
  value: JsonValue | undefined,
  path: readonly string[],
  visit: (leaf: JsonValue | undefined) => boolean,
  from = 0,
): boolean {
  const segment = path[from];
  if (segment === undefined) return visit(value);
  if (isObject(value)) return someAt(own(value, segment), path, visit, from + 1);
  if (!isArray(value)) return visit(undefined);
  const position = arrayPosition(segment);
  if (position !== undefined && position < value.length && someAt(value[position], path, visit, from + 1)) return true;
  return value.some((element) => isObject(element) && someAt(element, path, visit, from));
}

/** Adds the values by which the path is sorted and indexed (undefined for an empty array); true when it leads through an array. */
export function collectKeys(value: JsonValue | undefined, path: readonly string[], keys: (JsonValue | undefined)[], from = 0): boolean {
  const segment = path[from];
  if (isArray(value)) {
    if (segment === undefined) keys.push(...(value.length === 0 ? [undefined] : value));
    else if (value.length === 0) keys.push(null);
    else
      for (const element of value)
        if (!isObject(element)) keys.push(null);
        else collectKeys(element, path, keys, from);
    return true;
  }
  if (segment !== undefined && isObject(value)) return collectKeys(own(value, segment), path, keys, from + 1);
  keys.push(segment === undefined && value !== undefined ? value : null);
  return false;
}
