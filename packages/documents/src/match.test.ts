import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Query } from 'mingo';
import { parseFilter } from './filter.ts';
import { compileCondition } from './match.ts';
import type { Filter, JsonValue } from './port.ts';

const scalar = fc.constantFrom<JsonValue[]>(true, false, 0, 1, 2.5, -3, 'a', 'b', '');
const value = fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }));
const inner = fc.record({ x: scalar, y: scalar }, { noNullPrototype: true });
const document = fc.record(
  { a: value, b: scalar, o: inner, l: fc.array(inner, { maxLength: 3 }) },
  { requiredKeys: ['l'], noNullPrototype: true },
);

const test = fc.oneof(
  scalar,
  fc.record({ $ne: scalar }),
  fc.record({ $gt: scalar }),
  fc.record({ $gte: scalar, $lt: scalar }),
  fc.record({ $lte: scalar }),
  fc.record({ $in: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $nin: fc.array(scalar, { maxLength: 3 }) }),
  fc.record({ $not: fc.record({ $lt: scalar }) }),
);
const fields = fc.dictionary(fc.constantFrom('a', 'b', 'o.x', 'l.x', 'l.y'), test, { maxKeys: 3, noNullPrototype: true });
const filter = fc.oneof(
  fields,
  fc.record({ l: fc.record({ $elemMatch: fc.dictionary(fc.constantFrom('x', 'y'), test, { minKeys: 1, noNullPrototype: true }) }) }),
  fc.record({
    a: fc.oneof(fc.record({ $size: fc.nat(3) }), fc.record({ $exists: fc.boolean() }), fc.record({ $regex: fc.constantFrom('^a', 'b$') })),
  }),
  fc.record({ $or: fc.array(fields, { minLength: 1, maxLength: 3 }) }),
  fc.record({ $nor: fc.array(fields, { minLength: 1, maxLength: 3 }) }),
) as fc.Arbitrary<Filter>;

describe('compileCondition', () => {
  it('agrees with mingo wherever mingo agrees with MongoDB', () => {
    fc.assert(
      fc.property(document, filter, (subject, asked) => {
        expect(compileCondition(parseFilter(asked))(subject)).toBe(new Query(asked, {}).test(subject));
      }),
      { numRuns: 2000 },
    );
  });
});
