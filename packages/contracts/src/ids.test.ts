import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isId, newId } from './ids.ts';

describe('ids', () => {
  it('are 20 characters that are safe in paths and never repeat', () => {
    const ids = new Set(Array.from({ length: 10_000 }, newId));
    expect(ids.size).toBe(10_000);
    for (const id of ids) expect(isId(id)).toBe(true);
  });

  it('refuses everything else', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(isId(text)).toBe(/^[a-z2-7]{20}$/.test(text))));
    for (const text of ['', '../../../etc/passwd00', `${newId()}\n`, newId().toUpperCase()]) expect(isId(text)).toBe(false);
  });
});
