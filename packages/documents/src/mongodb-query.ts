/** Checked filters and updates in MongoDB's own words, written anew from what was parsed: nothing of the caller's reaches the server unread. */
import type { Condition, Test } from './filter.ts';
import { nativePattern } from './mongodb-pattern.ts';
import type { Change, Pulled } from './update-check.ts';
import { isObject } from './values.ts';

type Native = Record<string, unknown>;

/** The condition as a filter: one object where its parts name different fields or operators, `$and` where they do not. */
export function nativeFilter(condition: Condition): Native {
  const filter: Native = {};
  const rest: Native[] = [];
  for (const [key, value] of conjuncts(condition).map(clause)) {
    const known = filter[key];
    if (known === undefined) filter[key] = value;
    else if (isObject(known) && isObject(value) && !overlap(known, value)) filter[key] = { ...known, ...value };
    else rest.push({ [key]: value });
  }
  const clauses = [filter, ...rest].map((one) => Object.fromEntries(Object.entries(one).map(([key, value]) => [key, shortened(value)])));
  return rest.length === 0 ? (clauses[0] ?? {}) : { ...clauses[0], $and: clauses.slice(1) };
}

/** A part as one key and its value. `$nor` of one says what `$not` says, and more servers know it. */
function clause(part: Condition): readonly [string, Native | Native[]] {
  if (part.kind !== 'field') return [`$${part.kind}`, part.parts.map(nativeFilter)];
  const { path, test } = part;
  return test.op === 'not' && !negation(test.tests) ? ['$nor', [{ [path.name]: operators(test.tests) }]] : [path.name, operator(test)];
}

function conjuncts(condition: Condition): readonly Condition[] {
  return condition.kind === 'and' ? condition.parts.flatMap(conjuncts) : [condition];
}

function overlap(a: Native, b: Native): boolean {
  return Object.keys(b).some((key) => Object.hasOwn(a, key));
}

/** `{ $eq: 'x' }` as `'x'`, which every server recognises as the way to one document; a string can never be an operator. */
function shortened(value: unknown): unknown {
  if (!isObject(value) || Object.keys(value).length !== 1 || !Object.hasOwn(value, '$eq')) return value;
  const { $eq: equal } = value;
  return typeof equal === 'object' && equal !== null ? value : equal;
}

function operators(tests: readonly Test[]): Native {
  return Object.assign({}, ...tests.map(operator)) as Native;
}

function operator(test: Test): Native {
  switch (test.op) {
    case 'eq':
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return { [`$${test.op}`]: test.value };
    case 'in':
    case 'all':
      return { [`$${test.op}`]: test.values };
    case 'exists':
      return { $exists: true };
    case 'size':
      return { $size: test.length };
    case 'regex':
      return nativePattern(test.pattern);
    case 'not':
      return negation(test.tests) ?? { $not: operators(test.tests) };
    case 'elemMatch':
      return { $elemMatch: nativeFilter(test.condition) };
    case 'elemTests':
      return { $elemMatch: operators(test.tests) };
  }
}

/** The operator that says no to these tests, if there is one. */
function negation(tests: readonly Test[]): Native | undefined {
  const [only] = tests;
  if (tests.length !== 1) return undefined;
  if (only?.op === 'eq') return { $ne: only.value };
  if (only?.op === 'in') return { $nin: only.values };
  return only?.op === 'exists' ? { $exists: false } : undefined;
}

/** The changes as an update; one without changes is none, not a replacement. */
export function nativeUpdate(changes: readonly Change[]): Record<string, Native> {
  const update: Record<string, Native> = {};
  for (const change of changes) (update[`$${change.op}`] ??= {})[change.path.name] = operand(change);
  return changes.length === 0 ? { $set: {} } : update;
}

function operand(change: Change): unknown {
  switch (change.op) {
    case 'unset':
      return '';
    case 'inc':
      return change.by;
    case 'push':
      return { $each: change.values, ...(change.slice === undefined ? {} : { $slice: change.slice }) };
    case 'addToSet':
      return { $each: change.values };
    case 'pull':
      return pulled(change.what);
    default:
      return change.value;
  }
}

function pulled(what: Pulled): unknown {
  if (what.kind === 'value') return what.value;
  return what.kind === 'tests' ? operators(what.tests) : nativeFilter(what.condition);
}
