import { describe, expect, it } from '@jest/globals';
import { faultsOf, safePath } from './credentials.ts';

const values = { code: 'ABCD-1234', name: 'Mina', email: 'mina@example.com', password: 'correct horse' };

describe('faultsOf', () => {
  it('finds nothing wrong with whole fields', () => {
    expect(faultsOf(values, ['code', 'name', 'email', 'password'], true)).toEqual({});
  });
  it('asks for every field that is empty', () => {
    expect(faultsOf({ ...values, name: ' ', password: '' }, ['name', 'email', 'password'], true)).toEqual({
      name: 'required',
      password: 'required',
    });
  });
  it('knows an e-mail address by its form', () => {
    expect(faultsOf({ ...values, email: 'mina' }, ['email'], false)).toEqual({ email: 'badEmail' });
  });
  it('measures a password only where one is chosen', () => {
    expect(faultsOf({ ...values, password: 'short' }, ['password'], true)).toEqual({ password: 'shortPassword' });
    expect(faultsOf({ ...values, password: 'short' }, ['password'], false)).toEqual({});
  });
});

describe('safePath', () => {
  it('keeps a path of this site', () => {
    expect(safePath('/watch/abc?x=1')).toBe('/watch/abc?x=1');
  });
  it('goes home in place of another site', () => {
    for (const to of ['//evil.example', '/\\evil.example', 'https://evil.example', '/ /x', undefined, 3]) expect(safePath(to)).toBe('/');
  });
});
