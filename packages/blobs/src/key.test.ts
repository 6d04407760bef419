import { describe, expect, it } from '@jest/globals';
import { resolve, sep } from 'node:path';
import fc from 'fast-check';
import { checkFolder, checkKey, checkPrefix, isKey, isSegment } from './key.ts';
import { InvalidBlobKeyError } from './port.ts';

const hostilePart = fc.constantFrom(
  '..',
  '.',
  '',
  '/',
  '\\',
  '%2e%2e',
  '\0',
  '.tmp',
  'a',
  'assets',
  '~',
  ' ',
  '\n',
  'C:',
  'é',
  '..%2f',
  '…',
);
const hostile = fc.oneof(
  fc.array(hostilePart, { maxLength: 6 }).map((parts) => parts.join('/')),
  fc.array(hostilePart, { maxLength: 6 }).map((parts) => parts.join('')),
  fc.string({ unit: 'binary', maxLength: 40 }),
);

describe('a blob key', () => {
  it('never resolves outside its folder, nor to a hidden name, whatever it is made of', () => {
    fc.assert(
      fc.property(hostile, (key) => {
        if (!isKey(key)) return expect(() => checkKey(key)).toThrow(InvalidBlobKeyError);
        const path = resolve('/root/blobs', key);
        expect(path).toBe(`/root/blobs/${key}`);
        expect(
          path
            .slice('/root/blobs/'.length)
            .split(sep)
            .some((name) => name.startsWith('.')),
        ).toBe(false);
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['a', 'uploads/abc', 'assets/x/v720/1.m4s', 'A-b_c.d/0..1', 'a'.repeat(512)])('is taken as %s', (key) => {
    expect(checkKey(key)).toBe(key);
  });

  it.each(['', '/', '/a', 'a/', 'a//b', '.', '..', 'a/../b', '.a', 'a/.b', 'a b', 'a\\b', 'a\n', 'a\0', 'a'.repeat(513)])(
    'is refused as %j',
    (key) => {
      expect(() => checkKey(key)).toThrow(InvalidBlobKeyError);
    },
  );

  it('has every beginning of a key as a prefix', () => {
    const name = fc.stringMatching(/^[A-Za-z0-9_-][A-Za-z0-9._-]{0,8}$/);
    fc.assert(
      fc.property(fc.array(name, { minLength: 1, maxLength: 5 }), fc.nat(), (names, cut) => {
        const key = names.join('/');
        expect(names.every(isSegment) && isKey(key)).toBe(true);
        const prefix = key.slice(0, cut % (key.length + 1));
        expect(checkPrefix(prefix)).toBe(prefix);
      }),
    );
  });

  it.each(['', 'a', '../', '/', 'a/./'])('refuses %j as a folder', (prefix) => {
    expect(() => checkFolder(prefix)).toThrow(InvalidBlobKeyError);
  });
});
