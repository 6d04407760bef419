/** What a condition says about the keys of an index: the part of a filter that a b-tree can answer. */
import type { JsonValue } from './port.ts';
import type { Condition, Test } from './filter.ts';
import { encodeKey, LEAST_BYTES, LEAST_TEXT, NULL_KEY, type Key } from './index-keys.ts';
import { typeRank } from './values.ts';

/** One side of a range. */
export interface Edge {
  readonly key: Key;
  readonly inclusive: boolean;
}

/** Keys that a matching document has one of at the path. */
export type Bound =
  | { readonly kind: 'eq'; readonly key: Key }
  | { readonly kind: 'in'; readonly keys: readonly Key[] }
  | { readonly kind: 'range'; readonly lower: Edge; readonly upper: Edge }
  /** Later in the order of several paths than a given place: what a cursor asks with `$or`. */
  | {
      readonly kind: 'after';
      readonly paths: readonly string[];
      readonly keys: readonly Key[];
      readonly order: '<' | '>';
      readonly limit: Edge;
    };

/** A bound and how far it goes. */
export interface PathBound {
  readonly path: string;
  readonly bound: Bound;
  /** Which part of the condition it comes from. */
  readonly part: number;
  /** `always`: the bound says all that the part says; `scalar`: so while no document has an array at the path; `never`: documents need a second look. */
  readonly exact: 'always' | 'scalar' | 'never';
}

/** More values than this are looked through one by one. */
const MAX_IN = 8192;

/** The parts that must all hold. */
export function conjuncts(condition: Condition): readonly Condition[] {
  return condition.kind === 'and' ? condition.parts.flatMap(conjuncts) : [condition];
}

/** The bounds that follow from the parts. */
export function boundsOf(parts: readonly Condition[]): readonly PathBound[] {
  return parts.flatMap((part, i) => {
    if (part.kind === 'field') return testBounds(part.path.name, part.test, i);
    if (part.kind !== 'or') return [];
    const after = afterBound(part.parts, i);
    return after ? [after] : [];
  });
}

function testBounds(path: string, test: Test, part: number): readonly PathBound[] {
  switch (test.op) {
    case 'eq':
      return valueBounds(path, test.value, part);
    case 'in':
      return inBounds(path, test.values, part);
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return comparisonBounds(path, test.op, test.value, part);
    case 'all':
      return test.values.slice(0, 1).flatMap((value) => valueBounds(path, value, part).map(inexact));
    case 'elemMatch':
      return conjuncts(test.condition).flatMap((inner) =>
        inner.kind === 'field' ? testBounds(`${path}.${inner.path.name}`, inner.test, part).map(inexact) : [],
      );
    default:
      return [];
  }
}

function inexact(bound: PathBound): PathBound {
  return { ...bound, exact: 'never' };
}

function valueBounds(path: string, value: JsonValue, part: number): readonly PathBound[] {
  if (Array.isArray(value)) return [];
  return [{ path, bound: { kind: 'eq', key: encodeKey(value) }, part, exact: value === null ? 'scalar' : 'always' }];
}

function inBounds(path: string, values: readonly JsonValue[], part: number): readonly PathBound[] {
  if (values.length > MAX_IN || values.some((value) => Array.isArray(value))) return [];
  const keys = values.map(encodeKey);
  const exact = values.includes(null) ? 'scalar' : 'always';
  const only = keys.length === 1 ? keys[0] : undefined;
  return [{ path, bound: only === undefined ? { kind: 'in', keys } : { kind: 'eq', key: only }, part, exact }];
}

function comparisonBounds(path: string, op: 'gt' | 'gte' | 'lt' | 'lte', value: JsonValue, part: number): readonly PathBound[] {
  if (value === null && op.length === 3) return valueBounds(path, null, part);
  const limits = typeLimits(value);
  if (!limits) return [];
  const edge = { key: encodeKey(value), inclusive: op.length === 3 };
  const range = op.startsWith('g') ? { lower: edge, upper: limits.upper } : { lower: limits.lower, upper: edge };
  return [{ path, bound: { kind: 'range', ...range }, part, exact: 'always' }];
}

/** Where the values of the operand's type begin and end among keys. */
function typeLimits(value: JsonValue): { readonly lower: Edge; readonly upper: Edge } | undefined {
  if (typeof value === 'number') return { lower: { key: NULL_KEY, inclusive: false }, upper: { key: LEAST_TEXT, inclusive: false } };
  if (typeof value === 'string') return { lower: { key: LEAST_TEXT, inclusive: true }, upper: { key: LEAST_BYTES, inclusive: false } };
  if (typeof value !== 'boolean') return undefined;
  const rank = typeRank(value);
  return { lower: { key: Uint8Array.of(rank), inclusive: true }, upper: { key: Uint8Array.of(rank + 1), inclusive: false } };
}

interface Step {
  readonly path: string;
  readonly op: 'lt' | 'gt';
  readonly value: JsonValue;
}

/** Recognises `{$or: [{a: {$lt: x}}, {a: x, b: {$lt: y}}, …]}`: the place after (x, y, …), which one seek in an index finds. */
function afterBound(branches: readonly Condition[], part: number): PathBound | undefined {
  const steps: Step[] = [];
  for (const branch of branches) {
    const step = nextStep(conjuncts(branch), steps);
    if (!step || (steps[0] && step.op !== steps[0].op)) return undefined;
    steps.push(step);
  }
  const [first] = steps;
  const limits = first && typeLimits(first.value);
  if (!first || !limits || steps.length < 2) return undefined;
  return {
    path: first.path,
    bound: {
      kind: 'after',
      paths: steps.map(({ path }) => path),
      keys: steps.map(({ value }) => encodeKey(value)),
      order: first.op === 'lt' ? '<' : '>',
      limit: first.op === 'lt' ? limits.lower : limits.upper,
    },
    part,
    // A row value compares later columns over all types; only _id is sure to be of the operand's type, a string.
    exact: steps.slice(1).every(({ path, value }) => path === '_id' && typeof value === 'string') ? 'always' : 'never',
  };
}

/** The comparison that a branch adds to equality with all earlier steps; undefined when it is of another form. */
function nextStep(fields: readonly Condition[], steps: readonly Step[]): Step | undefined {
  if (fields.length !== steps.length + 1) return undefined;
  let added: Step | undefined;
  for (const field of fields) {
    if (field.kind !== 'field') return undefined;
    const { path, test } = field;
    if (test.op === 'eq') {
      if (!steps.some((step) => step.path === path.name && step.value === test.value)) return undefined;
    } else if ((test.op === 'lt' || test.op === 'gt') && typeLimits(test.value) && added === undefined) {
      added = { path: path.name, op: test.op, value: test.value };
    } else return undefined;
  }
  const paths = new Set(fields.map((field) => (field.kind === 'field' ? field.path.name : '')));
  return paths.size === fields.length ? added : undefined;
}
