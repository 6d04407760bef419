/** Update operators applied to a document, with MongoDB's meaning. */
import type { JsonValue } from './port.ts';
import type { Condition } from './filter.ts';
import { compileCondition, compileElementTests } from './match.ts';
import { arrayPosition, type Path } from './paths.ts';
import { filterEqualities, type Change, type Pulled } from './update-check.ts';
import { compareValues, equalValues, isArray, isObject, own, toJson, type JsonObject } from './values.ts';

/** MongoDB fills an array with nulls up to the position that is set; more than this many are refused. */
const MAX_PADDING = 10_000;

/** Changes `document` in place. @throws {TypeError} when a value has the wrong type for its operator, or `_id` would change. */
export function applyChanges(document: JsonObject, changes: readonly Change[], isInsert = false): void {
  const id = document['_id'];
  for (const change of changes) {
    if (change.op !== 'setOnInsert' || isInsert) applyChange(document, change);
  }
  if (id !== undefined && document['_id'] !== id) throw new TypeError('an update cannot change _id');
}

/** The document that an upsert inserts. @throws {TypeError} as `applyChanges` */
export function upsertedDocument(condition: Condition, changes: readonly Change[]): JsonObject {
  const document: JsonObject = {};
  for (const [path, value] of filterEqualities(condition)) modify(document, path, () => toJson(value, path.name));
  applyChanges(document, changes, true);
  return document;
}

function applyChange(document: JsonObject, change: Change): void {
  const { path } = change;
  switch (change.op) {
    case 'set':
    case 'setOnInsert':
      return modify(document, path, () => change.value);
    case 'unset':
      return unset(document, path);
    case 'inc':
      return modify(document, path, (old) => sum(path, old, change.by));
    case 'max':
      return modify(document, path, (old) => (old === undefined || compareValues(change.value, old) > 0 ? change.value : old));
    case 'min':
      return modify(document, path, (old) => (old === undefined || compareValues(change.value, old) < 0 ? change.value : old));
    case 'push':
      return modify(document, path, (old) => sliced([...list(path, old, '$push'), ...change.values], change.slice));
    case 'addToSet':
      return modify(document, path, (old) => union(list(path, old, '$addToSet'), change.values));
    case 'pull':
      return pull(document, path, change.what);
  }
}

function sum(path: Path, old: JsonValue | undefined, by: number): number {
  if (old === undefined) return by;
  if (typeof old !== 'number') throw new TypeError(`$inc: ${path.name} is not a number`);
  if (!Number.isFinite(old + by)) throw new TypeError(`$inc: ${path.name} would exceed what a number holds`);
  return old + by;
}

function list(path: Path, old: JsonValue | undefined, operator: string): readonly JsonValue[] {
  if (old === undefined) return [];
  if (!isArray(old)) throw new TypeError(`${operator}: ${path.name} is not an array`);
  return old;
}

function sliced(values: readonly JsonValue[], slice: number | undefined): readonly JsonValue[] {
  if (slice === undefined) return values;
  return slice < 0 ? values.slice(slice) : values.slice(0, slice);
}

function union(old: readonly JsonValue[], added: readonly JsonValue[]): readonly JsonValue[] {
  const values = [...old];
  for (const value of added) if (!values.some((known) => equalValues(known, value))) values.push(value);
  return values;
}

function pull(document: JsonObject, path: Path, what: Pulled): void {
  const parent = parentOf(document, path, false);
  const last = path.segments.at(-1);
  if (parent === undefined || last === undefined) return;
  const old = child(parent, last);
  if (old === undefined) return;
  const isPulled = pullPredicate(what);
  assign(
    parent,
    last,
    path,
    list(path, old, '$pull').filter((element) => !isPulled(element)),
  );
}

function pullPredicate(what: Pulled): (element: JsonValue) => boolean {
  if (what.kind === 'value') return (element) => equalValues(element, what.value);
  if (what.kind === 'tests') return compileElementTests(what.tests);
  const matches = compileCondition(what.condition);
  return (element) => isObject(element) && matches(element);
}

type Parent = JsonObject | JsonValue[];

function child(parent: Parent, segment: string): JsonValue | undefined {
  if (!Array.isArray(parent)) return own(parent, segment);
  const position = arrayPosition(segment);
  return position === undefined ? undefined : parent[position];
}

function assign(parent: Parent, segment: string, path: Path, value: JsonValue): void {
  if (!Array.isArray(parent)) {
    parent[segment] = value;
    return;
  }
  const position = arrayPosition(segment);
  if (position === undefined) throw new TypeError(`cannot set ${path.name}: an array has no field ${JSON.stringify(segment)}`);
  if (position - parent.length > MAX_PADDING) throw new TypeError(`cannot set ${path.name}: too far beyond the end of the array`);
  while (parent.length < position) parent.push(null);
  parent[position] = value;
}

/** What holds the last segment; made on the way when `create`, else undefined where nothing is. */
function parentOf(document: JsonObject, path: Path, create: boolean): Parent | undefined {
  let parent: Parent = document;
  for (const segment of path.segments.slice(0, -1)) {
    let next: JsonValue | undefined = child(parent, segment);
    if (next === undefined && create) assign(parent, segment, path, (next = {}));
    if (typeof next !== 'object' || next === null) {
      if (create) throw new TypeError(`cannot set ${path.name}: ${segment} is not an object`);
      return undefined;
    }
    parent = next as Parent;
  }
  return parent;
}

function modify(document: JsonObject, path: Path, change: (old: JsonValue | undefined) => JsonValue): void {
  const parent = parentOf(document, path, true);
  const last = path.segments.at(-1);
  if (parent === undefined || last === undefined) return;
  assign(parent, last, path, change(child(parent, last)));
}

function unset(document: JsonObject, path: Path): void {
  const parent = parentOf(document, path, false);
  const last = path.segments.at(-1);
  if (parent === undefined || last === undefined || child(parent, last) === undefined) return;
  if (Array.isArray(parent)) assign(parent, last, path, null);
  else delete parent[last];
}
