/** Updates, checked and brought into one form that every adapter can trust. */
import type { JsonValue } from './port.ts';
import { UnsupportedQueryError } from './port.ts';
import { literal, parseFilter, parseOperators, type Condition, type Test } from './filter.ts';
import { parsePath, type Path } from './paths.ts';
import { isObject } from './values.ts';

/** One change at one path, in the order the caller named them. */
export type Change =
  | { readonly op: 'set' | 'setOnInsert' | 'max' | 'min'; readonly path: Path; readonly value: JsonValue }
  | { readonly op: 'unset'; readonly path: Path }
  | { readonly op: 'inc'; readonly path: Path; readonly by: number }
  | { readonly op: 'push'; readonly path: Path; readonly values: readonly JsonValue[]; readonly slice?: number }
  | { readonly op: 'addToSet'; readonly path: Path; readonly values: readonly JsonValue[] }
  | { readonly op: 'pull'; readonly path: Path; readonly what: Pulled };

/** What `$pull` takes away: equal values, elements that pass tests, or objects that match a condition. */
export type Pulled =
  | { readonly kind: 'value'; readonly value: JsonValue }
  | { readonly kind: 'tests'; readonly tests: readonly Test[] }
  | { readonly kind: 'condition'; readonly condition: Condition };

function refuse(reason: string): never {
  throw new UnsupportedQueryError(reason);
}

/** The update as changes. @throws {UnsupportedQueryError} for unknown operators, replacement documents and paths that conflict. */
export function parseUpdate(update: unknown): readonly Change[] {
  if (!isObject(update)) refuse('an update is an object of operators');
  const changes: Change[] = [];
  for (const [operator, paths] of Object.entries(update) as [string, unknown][]) {
    if (paths === undefined) continue;
    if (!isObject(paths)) refuse(`${operator} takes an object of field paths`);
    for (const [name, operand] of Object.entries(paths) as [string, unknown][]) {
      if (operand === undefined && operator !== '$unset') continue;
      changes.push(parseChange(operator, parsePath(name), operand));
    }
    if (!OPERATORS.has(operator)) refuse(`the update operator ${operator} is not offered`);
  }
  refuseConflicts(changes);
  return changes;
}

const OPERATORS = new Set(['$set', '$setOnInsert', '$unset', '$inc', '$max', '$min', '$push', '$pull', '$addToSet']);

function parseChange(operator: string, path: Path, operand: unknown): Change {
  const where = `${operator} ${path.name}`;
  switch (operator) {
    case '$set':
    case '$setOnInsert':
    case '$max':
    case '$min':
      return { op: operator.slice(1) as 'set', path, value: literal(operand, where) };
    case '$unset':
      return { op: 'unset', path };
    case '$inc':
      if (typeof operand !== 'number' || !Number.isFinite(operand)) refuse(`${where} takes a number`);
      return { op: 'inc', path, by: operand };
    case '$push':
      return parsePush(path, operand, where);
    case '$addToSet':
      return { op: 'addToSet', path, values: parseEach(operand, where, ['$each']).values };
    case '$pull':
      return { op: 'pull', path, what: parsePulled(operand, where) };
    default:
      return refuse(`the update operator ${operator} is not offered`);
  }
}

function parsePush(path: Path, operand: unknown, where: string): Change {
  const { values, slice } = parseEach(operand, where, ['$each', '$slice']);
  if (slice === undefined) return { op: 'push', path, values };
  if (typeof slice !== 'number' || !Number.isInteger(slice)) refuse(`$slice of ${where} takes a whole number`);
  return { op: 'push', path, values, slice };
}

function parseEach(operand: unknown, where: string, modifiers: readonly string[]): { values: readonly JsonValue[]; slice?: unknown } {
  if (!isObject(operand) || !Object.keys(operand).some((name) => name.startsWith('$'))) return { values: [literal(operand, where)] };
  const unknown = Object.keys(operand).find((name) => !modifiers.includes(name));
  if (unknown !== undefined) refuse(`${where} does not take ${unknown}`);
  const each: unknown = operand['$each'];
  if (!Array.isArray(each)) refuse(`${where} takes a list as $each`);
  return { values: each.map((value: unknown) => literal(value, where)), slice: operand['$slice'] };
}

function parsePulled(operand: unknown, where: string): Pulled {
  if (!isObject(operand)) return { kind: 'value', value: literal(operand, where) };
  const isOperators = Object.keys(operand).some((name) => name.startsWith('$') && !['$and', '$or', '$nor'].includes(name));
  if (!isOperators) return { kind: 'condition', condition: parseFilter(operand) };
  return { kind: 'tests', tests: parseOperators(where, operand) };
}

/** MongoDB refuses two changes at one path, or at a path and one inside it. */
function refuseConflicts(changes: readonly Change[]): void {
  const names = changes.map(({ path }) => `${path.name}.`).sort();
  for (const [i, name] of names.entries()) {
    const next = names[i + 1];
    if (next?.startsWith(name)) refuse(`the update changes ${name.slice(0, -1)} twice`);
  }
}

/** Refuses an upsert that could insert a document without `_id`. @throws {UnsupportedQueryError} */
export function checkUpsert(condition: Condition, changes: readonly Change[]): void {
  const named = filterEqualities(condition).some(([path]) => path.name === '_id');
  const set = changes.some(({ op, path }) => (op === 'set' || op === 'setOnInsert') && path.name === '_id');
  if (!named && !set) refuse('an upsert names the _id of the document to insert, in its filter or in $setOnInsert');
}

/** The fields that a filter fixes to one value, which an upsert puts into the inserted document. */
export function filterEqualities(condition: Condition): readonly (readonly [Path, JsonValue])[] {
  if (condition.kind === 'and') return condition.parts.flatMap(filterEqualities);
  if (condition.kind === 'field' && condition.test.op === 'eq') return [[condition.path, condition.test.value]];
  return [];
}
