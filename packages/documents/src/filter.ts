/** Filters, checked and brought into one form that every adapter can trust. */
import type { JsonValue } from './port.ts';
import { UnsupportedQueryError } from './port.ts';
import { parsePath, type Path } from './paths.ts';
import { isObject, toJson } from './values.ts';

/** What is asked of the value at a path; `$ne` and `$nin` arrive as `not`. */
export type Test =
  | { readonly op: 'eq' | 'gt' | 'gte' | 'lt' | 'lte'; readonly value: JsonValue }
  | { readonly op: 'in'; readonly values: readonly JsonValue[] }
  | { readonly op: 'all'; readonly values: readonly JsonValue[] }
  | { readonly op: 'exists' }
  | { readonly op: 'size'; readonly length: number }
  | { readonly op: 'regex'; readonly pattern: RegExp }
  | { readonly op: 'not'; readonly tests: readonly Test[] }
  | { readonly op: 'elemMatch'; readonly condition: Condition }
  | { readonly op: 'elemTests'; readonly tests: readonly Test[] };

export type Condition =
  | { readonly kind: 'and' | 'or' | 'nor'; readonly parts: readonly Condition[] }
  | { readonly kind: 'field'; readonly path: Path; readonly test: Test };

const LOGICAL = { $and: 'and', $or: 'or', $nor: 'nor' } as const;
const MAX_DEPTH = 50;

function refuse(reason: string): never {
  throw new UnsupportedQueryError(reason);
}

/** The filter as a condition. @throws {UnsupportedQueryError} for whatever the port does not offer, `undefined` values included. */
export function parseFilter(filter: unknown, depth = 0): Condition {
  if (!isObject(filter)) refuse('a filter is an object');
  if (depth > MAX_DEPTH) refuse(`a filter is nested deeper than ${MAX_DEPTH}`);
  const parts: Condition[] = [];
  for (const [key, value] of Object.entries(filter)) {
    if (Object.hasOwn(LOGICAL, key)) parts.push(parseLogical(key as keyof typeof LOGICAL, value, depth));
    else if (key.startsWith('$')) refuse(`the operator ${key} is not offered at this place of a filter`);
    else for (const test of parseTests(key, value, depth)) parts.push({ kind: 'field', path: parsePath(key), test });
  }
  return parts.length === 1 && parts[0] ? parts[0] : { kind: 'and', parts };
}

function parseLogical(key: keyof typeof LOGICAL, value: unknown, depth: number): Condition {
  if (!Array.isArray(value) || value.length === 0) refuse(`${key} takes a list of at least one filter`);
  return { kind: LOGICAL[key], parts: value.map((part: unknown) => parseFilter(part, depth + 1)) };
}

/** Whether the object consists of operators; mixing them with fields is refused. */
function hasOperators(value: unknown, where: string): value is Record<string, unknown> {
  if (!isObject(value)) return false;
  const names = Object.keys(value);
  const operators = names.filter((name) => name.startsWith('$')).length;
  if (operators > 0 && operators < names.length) refuse(`${where} mixes operators with fields`);
  return operators > 0;
}

function parseTests(where: string, value: unknown, depth: number): Test[] {
  if (!hasOperators(value, where)) return [{ op: 'eq', value: literal(value, where) }];
  return parseOperators(where, value, depth);
}

/** The tests in an object of operators. @throws {UnsupportedQueryError} */
export function parseOperators(where: string, operators: Record<string, unknown>, depth = 0): Test[] {
  if (depth > MAX_DEPTH) refuse(`a filter is nested deeper than ${MAX_DEPTH}`);
  if (Object.hasOwn(operators, '$options') && !Object.hasOwn(operators, '$regex')) refuse(`$options at ${where} needs $regex`);
  return Object.entries(operators).flatMap(([name, operand]) =>
    name === '$options' ? [] : [parseOperator(where, name, operand, operators['$options'], depth)],
  );
}

function parseOperator(where: string, name: string, operand: unknown, options: unknown, depth: number): Test {
  switch (name) {
    case '$eq':
    case '$gt':
    case '$gte':
    case '$lt':
    case '$lte':
      return { op: name.slice(1) as 'eq', value: literal(operand, where) };
    case '$ne':
      return { op: 'not', tests: [{ op: 'eq', value: literal(operand, where) }] };
    case '$in':
    case '$all':
      return { op: name.slice(1) as 'in', values: literals(name, operand, where) };
    case '$nin':
      return { op: 'not', tests: [{ op: 'in', values: literals(name, operand, where) }] };
    case '$exists':
      if (typeof operand !== 'boolean') refuse(`$exists at ${where} takes true or false`);
      return operand ? { op: 'exists' } : { op: 'not', tests: [{ op: 'exists' }] };
    case '$size':
      if (!Number.isInteger(operand) || (operand as number) < 0) refuse(`$size at ${where} takes a whole number from 0`);
      return { op: 'size', length: operand as number };
    case '$regex':
      return { op: 'regex', pattern: parsePattern(where, operand, options) };
    case '$not':
      if (!hasOperators(operand, where)) refuse(`$not at ${where} takes operators`);
      return { op: 'not', tests: parseOperators(where, operand, depth + 1) };
    case '$elemMatch':
      return parseElemMatch(where, operand, depth);
    default:
      return refuse(`the operator ${name} is not offered`);
  }
}

function parseElemMatch(where: string, operand: unknown, depth: number): Test {
  if (!isObject(operand)) refuse(`$elemMatch at ${where} takes a filter`);
  const names = Object.keys(operand);
  if (names.some((name) => name.startsWith('$') && !Object.hasOwn(LOGICAL, name)) && hasOperators(operand, where)) {
    return { op: 'elemTests', tests: parseOperators(where, operand, depth + 1) };
  }
  return { op: 'elemMatch', condition: parseFilter(operand, depth + 1) };
}

function parsePattern(where: string, operand: unknown, options: unknown): RegExp {
  if (typeof operand !== 'string') refuse(`$regex at ${where} takes a string`);
  if (options !== undefined && (typeof options !== 'string' || !/^[ims]*$/.test(options))) refuse(`$options at ${where} are of i, m and s`);
  try {
    return new RegExp(operand, `u${[...new Set(options ?? '')].join('')}`);
  } catch (error) {
    throw new UnsupportedQueryError(`$regex at ${where} is not a regular expression`, { cause: error });
  }
}

function literals(name: string, operand: unknown, where: string): readonly JsonValue[] {
  if (!Array.isArray(operand)) refuse(`${name} at ${where} takes a list`);
  return operand.map((value: unknown) => literal(value, where));
}

/** A value to compare with. @throws {UnsupportedQueryError} for what is not JSON. */
export function literal(value: unknown, where: string): JsonValue {
  if (value === undefined) refuse(`${where} is undefined: leave it out, or ask for null`);
  try {
    return toJson(value, where);
  } catch (error) {
    throw new UnsupportedQueryError(error instanceof Error ? error.message : `${where} is not JSON`, { cause: error });
  }
}
