import { describe, expect, it } from '@jest/globals';
import { parseFilter } from './filter.ts';
import { nativePattern } from './mongodb-pattern.ts';
import { nativeFilter, nativeUpdate } from './mongodb-query.ts';
import { parseUpdate } from './update-check.ts';

describe('filters in the words of MongoDB', () => {
  it.each([
    [{}, {}],
    [
      { _id: 'a', n: null },
      { _id: 'a', n: null },
    ],
    [
      { o: { x: 1 }, l: [1] },
      { o: { $eq: { x: 1 } }, l: { $eq: [1] } },
    ],
    [{ n: { $gt: 1, $lte: 5, $ne: 3 } }, { n: { $gt: 1, $lte: 5, $ne: 3 } }],
    [{ n: { $in: [1], $nin: [2], $exists: false } }, { n: { $in: [1], $nin: [2], $exists: false } }],
    [{ s: { $not: { $regex: '^a', $options: 'i' } } }, { $nor: [{ s: { $regex: '^a', $options: 'i' } }] }],
    [{ s: { $not: { $gt: 1, $lt: 2 } } }, { $nor: [{ s: { $gt: 1, $lt: 2 } }] }],
    [{ l: { $elemMatch: { x: 1, y: { $gt: 2 } } } }, { l: { $elemMatch: { x: 1, y: { $gt: 2 } } } }],
    [{ l: { $elemMatch: { $gt: 1, $not: { $gt: 5 } } } }, { l: { $elemMatch: { $gt: 1, $not: { $gt: 5 } } } }],
    [{ l: { $size: 2, $all: ['a'] } }, { l: { $size: 2, $all: ['a'] } }],
    [
      { a: 1, $or: [{ b: 1 }, { c: { $lt: 1 } }] },
      { a: 1, $or: [{ b: 1 }, { c: { $lt: 1 } }] },
    ],
    [
      { $and: [{ a: 1 }, { $or: [{ b: 1 }] }], $or: [{ c: 1 }] },
      { a: 1, $or: [{ b: 1 }], $and: [{ $or: [{ c: 1 }] }] },
    ],
    [{ $and: [{ n: { $gt: 1 } }, { n: { $gt: 2 } }, { n: 3 }] }, { n: { $gt: 1, $eq: 3 }, $and: [{ n: { $gt: 2 } }] }],
    [{ 'a.b': '$where' }, { 'a.b': '$where' }],
  ])('say %j', (filter, native) => {
    expect(nativeFilter(parseFilter(filter))).toEqual(native);
  });
});

describe('updates in the words of MongoDB', () => {
  it.each([
    [{}, { $set: {} }],
    [{ $set: { a: undefined } }, { $set: {} }],
    [
      { $set: { a: 1, 'b.c': { d: 1 } }, $inc: { n: 2 } },
      { $set: { a: 1, 'b.c': { d: 1 } }, $inc: { n: 2 } },
    ],
    [{ $push: { l: 1, m: { $each: [1, 2], $slice: -5 } } }, { $push: { l: { $each: [1] }, m: { $each: [1, 2], $slice: -5 } } }],
    [{ $addToSet: { l: 'x' } }, { $addToSet: { l: { $each: ['x'] } } }],
    [
      { $pull: { a: 1, b: { $gt: 1 }, c: { id: { $in: ['x'] } }, d: [1] } },
      { $pull: { a: 1, b: { $gt: 1 }, c: { id: { $in: ['x'] } }, d: [1] } },
    ],
    [{ $unset: { a: true } }, { $unset: { a: '' } }],
  ])('say %j', (update, native) => {
    expect(nativeUpdate(parseUpdate(update))).toEqual(native);
  });
});

describe('regular expressions in the words of PCRE2', () => {
  const lineEnds = '\\n\\r\u2028\u2029';
  it.each([
    ['^a', '', { $regex: '^a' }],
    ['a|(?:b)$', 'i', { $regex: 'a|(?:b)(?![\\s\\S])', $options: 'i' }],
    ['a$\\$[$.^]', '', { $regex: 'a(?![\\s\\S])\\$[$.^]' }],
    ['^.$', 'm', { $regex: `(?<![^${lineEnds}])[^${lineEnds}](?![^${lineEnds}])` }],
    ['.', 's', { $regex: '.', $options: 's' }],
    ['\\u0041\\u{1F3AC}\\uD83C\\uDFAC\\u{2e}[\\u002d]', '', { $regex: 'A🎬🎬\\.[\\-]' }],
    ['[]|[^]|[[:alpha:\\]]', '', { $regex: '(?!)|[\\s\\S]|[\\[:alpha:\\]]' }],
    ['\\0\0', '', { $regex: '\\x00\\x00' }],
    ['\\d\\w(?<year>\\d)\\k<year>', '', { $regex: '\\d\\w(?<year>\\d)\\k<year>' }],
  ])('%j with %j', (pattern, flags, native) => {
    expect(nativePattern(new RegExp(pattern, `u${flags}`))).toEqual(native);
  });

  it('has every space of JavaScript for \\s', () => {
    const { $regex } = nativePattern(/^\s[\s-]\S$/u);
    const spaces = Array.from({ length: 0x10000 }, (_, unit) => String.fromCharCode(unit)).filter((char) => /\s/u.test(char));
    for (const char of spaces) expect(`${char}${char}x`).toMatch(new RegExp($regex, 'u'));
    expect('xxx').not.toMatch(new RegExp($regex, 'u'));
    expect($regex.replace('(?![\\s\\S])', '')).not.toMatch(/\\[sS]/);
  });
});
