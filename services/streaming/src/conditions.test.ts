import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isRangeWanted, matches, parseHttpDate, precondition } from './conditions.ts';

const date = (seconds: number): string => new Date(seconds * 1000).toUTCString();
const file = { etag: '"abc"', modifiedAtSeconds: 1_800_000_000 };
const same = date(file.modifiedAtSeconds);
const before = date(file.modifiedAtSeconds - 1);

describe('precondition', () => {
  it.each([
    [{}, 'send'],
    [{ 'if-none-match': '"abc"' }, 'not-modified'],
    [{ 'if-none-match': 'W/"abc"' }, 'not-modified'],
    [{ 'if-none-match': '"x", W/"y" ,"abc"' }, 'not-modified'],
    [{ 'if-none-match': '*' }, 'not-modified'],
    [{ 'if-none-match': '"x"' }, 'send'],
    [{ 'if-none-match': 'abc' }, 'send'],
    [{ 'if-none-match': '"x"', 'if-modified-since': same }, 'send'],
    [{ 'if-modified-since': same }, 'not-modified'],
    [{ 'if-modified-since': before }, 'send'],
    [{ 'if-modified-since': 'yesterday' }, 'send'],
    [{ 'if-match': '"abc"' }, 'send'],
    [{ 'if-match': '*' }, 'send'],
    [{ 'if-match': 'W/"abc"' }, 'failed'],
    [{ 'if-match': '"x"' }, 'failed'],
    [{ 'if-match': '"abc"', 'if-unmodified-since': before }, 'send'],
    [{ 'if-unmodified-since': before }, 'failed'],
    [{ 'if-unmodified-since': same }, 'send'],
    [{ 'if-unmodified-since': 'never' }, 'send'],
    [{ 'if-match': '"abc"', 'if-none-match': '"abc"' }, 'not-modified'],
  ] as const)('of %j is: %s', (headers, expected) => {
    expect(precondition(headers, file)).toBe(expected);
  });
});

describe('isRangeWanted', () => {
  const now = file.modifiedAtSeconds + 60;
  it.each([
    [undefined, now, true],
    ['"abc"', now, true],
    ['"x"', now, false],
    ['W/"abc"', now, false],
    [same, now, true],
    [same, file.modifiedAtSeconds, false],
    [before, now, false],
    ['abc', now, false],
  ] as const)('with If-Range %j at %d: %s', (ifRange, nowSeconds, expected) => {
    expect(isRangeWanted(ifRange, file, nowSeconds)).toBe(expected);
  });
});

describe('HTTP dates', () => {
  it('are read as they are written', () => {
    fc.assert(fc.property(fc.integer({ min: 0, max: 4_000_000_000 }), (seconds) => expect(parseHttpDate(date(seconds))).toBe(seconds)));
  });

  it.each(['', '0', '2026-11-23', 'Mon, 99 Nov 2026 08:00:00 GMT', 'Mon Nov 23 08:00:00 2026'])('are not %j', (text) => {
    expect(parseHttpDate(text)).toBeUndefined();
  });
});

describe('lists of entity tags', () => {
  it('find a tag wherever it stands, and no part of another', () => {
    const tag = fc.stringMatching(/^"[!#-~]{0,8}"$/);
    fc.assert(
      fc.property(fc.array(tag, { maxLength: 6 }), tag, (tags, wanted) => {
        expect(matches(tags.join(', '), wanted, 'strong')).toBe(tags.includes(wanted));
      }),
    );
  });
});
