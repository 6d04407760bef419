/**
 * Filters as predicates with MongoDB's meaning, also where arrays hold objects that lack a field, null meets missing, or types differ.
 * mingo 7 answers those otherwise, so it serves the tests as second opinion where both agree with MongoDB.
 */
import type { JsonValue } from './port.ts';
import { someAt } from './paths.ts';
import type { Condition, Test } from './filter.ts';
import { compareValues, equalValues, isArray, isObject, typeRank, type JsonObject } from './values.ts';

export type Predicate = (document: JsonObject) => boolean;
type LeafTest = (leaf: JsonValue | undefined) => boolean;

/** Whether a document matches the condition. */
export function compileCondition(condition: Condition): Predicate {
  if (condition.kind === 'field') {
    const { segments } = condition.path;
    return compileTest(condition.test, (document, visit) => someAt(document, segments, visit));
  }
  const parts = condition.parts.map(compileCondition);
  if (condition.kind === 'and') return (document) => parts.every((part) => part(document));
  if (condition.kind === 'or') return (document) => parts.some((part) => part(document));
  return (document) => !parts.some((part) => part(document));
}

/** Whether one array element passes all tests, as `$pull` and `$elemMatch` with operators ask. */
export function compileElementTests(tests: readonly Test[]): (element: JsonValue) => boolean {
  const compiled = tests.map((test) => compileTest<JsonValue>(test, (element, visit) => visit(element)));
  return (element) => compiled.every((test) => test(element));
}

type Look<S> = (subject: S, visit: LeafTest) => boolean;

function compileTest<S>(test: Test, look: Look<S>): (subject: S) => boolean {
  switch (test.op) {
    case 'not': {
      const inner = test.tests.map((part) => compileTest(part, look));
      return (subject) => !inner.every((part) => part(subject));
    }
    case 'all': {
      const inner = test.values.map((value) => compileTest({ op: 'eq', value }, look));
      return (subject) => inner.length > 0 && inner.every((part) => part(subject));
    }
    case 'exists':
      return (subject) => look(subject, (leaf) => leaf !== undefined);
    case 'size':
      return (subject) => look(subject, (leaf) => isArray(leaf) && leaf.length === test.length);
    case 'elemMatch': {
      const inner = compileCondition(test.condition);
      // An array inside the array is looked at as an object whose fields are its positions.
      const matches = (element: JsonValue) =>
        isObject(element) ? inner(element) : isArray(element) && inner(Object.fromEntries(element.entries()));
      return (subject) => look(subject, (leaf) => isArray(leaf) && leaf.some(matches));
    }
    case 'elemTests': {
      const inner = compileElementTests(test.tests);
      return (subject) => look(subject, (leaf) => isArray(leaf) && leaf.some(inner));
    }
    default: {
      const leafTest = compileLeaf(test);
      const visit: LeafTest = (leaf) => leafTest(leaf) || (isArray(leaf) && leaf.some(leafTest));
      return (subject) => look(subject, visit);
    }
  }
}

type LeafOperator = Extract<Test, { op: 'eq' | 'gt' | 'gte' | 'lt' | 'lte' | 'in' | 'regex' }>;

function compileLeaf(test: LeafOperator): LeafTest {
  switch (test.op) {
    case 'eq':
      return equality(test.value);
    case 'in':
      return membership(test.values);
    case 'regex':
      return (leaf) => typeof leaf === 'string' && test.pattern.test(leaf);
    case 'gt':
      return comparison(test.value, (order) => order > 0);
    case 'gte':
      return comparison(test.value, (order) => order >= 0);
    case 'lt':
      return comparison(test.value, (order) => order < 0);
    case 'lte':
      return comparison(test.value, (order) => order <= 0);
  }
}

function equality(value: JsonValue): LeafTest {
  if (value === null) return (leaf) => leaf === null || leaf === undefined;
  if (typeof value !== 'object') return (leaf) => leaf === value;
  return (leaf) => equalValues(leaf, value);
}

function membership(values: readonly JsonValue[]): LeafTest {
  const scalars = new Set<JsonValue>(values.filter((value) => typeof value !== 'object'));
  const others = values.filter((value) => typeof value === 'object').map(equality);
  return (leaf) => (leaf !== undefined && scalars.has(leaf)) || others.some((other) => other(leaf));
}

/** Only values of the same type compare; missing counts as null. */
function comparison(value: JsonValue, accepts: (order: number) => boolean): LeafTest {
  const rank = typeRank(value);
  return (leaf) => {
    const known = leaf === undefined ? null : leaf;
    return typeRank(known) === rank && accepts(compareValues(known, value));
  };
}
