/** Checked filters and updates in MongoDB's own words, written anew from what was parsed: nothing of the caller's reaches the server unread. */
import type { Condition, Test } from './filter.ts';
import { nativePattern } from './mongodb-pattern.ts';
import type { Change, Pulled } from './update-check.ts';

type Native = Record<string, unknown>;

/** The condition as a filter. */
export function nativeFilter(condition: Condition): Native {
  const filter: Native = {};
  const rest: Native[] = [];
  const add = (key: string, value: unknown, part: Native): void => {
    const known = filter[key];
    if (known === undefined) filter[key] = value;
    else if (!key.startsWith('$') && !overlap(known as Native, value as Native))
      filter[key] = { ...(known as Native), ...(value as Native) };
    else rest.push(part);
  };
  for (const part of conjuncts(condition)) {
    if (part.kind === 'field') add(part.path.name, operators([part.test]), { [part.path.name]: shortened(operators([part.test])) });
    else add(`$${part.kind}`, part.parts.map(nativeFilter), { [`$${part.kind}`]: part.parts.map(nativeFilter) });
  }
  for (const [key, value] of Object.entries(filter)) if (!key.startsWith('$')) filter[key] = shortened(value as Native);
  return rest.length === 0 ? filter : { ...filter, $and: rest };
}

function conjuncts(condition: Condition): readonly Condition[] {
  return condition.kind === 'and' ? condition.parts.flatMap(conjuncts) : [condition];
}

function overlap(a: Native, b: Native): boolean {
  return Object.keys(b).some((key) => Object.hasOwn(a, key));
}

/** `{ $eq: 'x' }` as `'x'`, which every server recognises as the way to one document; a string can never be an operator. */
function shortened(tests: Native): unknown {
  const value = tests['$eq'];
  return Object.keys(tests).length === 1 && Object.hasOwn(tests, '$eq') && (typeof value !== 'object' || value === null) ? value : tests;
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
      return negated(test.tests);
    case 'elemMatch':
      return { $elemMatch: nativeFilter(test.condition) };
    case 'elemTests':
      return { $elemMatch: operators(test.tests) };
  }
}

function negated(tests: readonly Test[]): Native {
  const [only] = tests;
  if (tests.length !== 1 || !only) return { $not: operators(tests) };
  if (only.op === 'eq') return { $ne: only.value };
  if (only.op === 'in') return { $nin: only.values };
  if (only.op === 'exists') return { $exists: false };
  return { $not: operator(only) };
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
