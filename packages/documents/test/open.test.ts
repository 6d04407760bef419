import { describe, expect, it } from '@jest/globals';
import { openDocuments } from '../src/index.ts';

describe('openDocuments', () => {
  it.each([
    ['redis://localhost', /sqlite:.*redis: is not supported/],
    ['data', /sqlite:.*no scheme/],
    ['constructor:x', /constructor: is not supported/],
    ['', /no scheme/],
  ])('refuses %j and names the schemes that it takes', (url, message) => {
    expect(() => openDocuments(url, 'catalog')).toThrow(message);
  });

  it('never repeats the URL in an error, since it may hold a password', () => {
    expect(() => openDocuments('redis://root:secret@host', 'catalog')).toThrow(/^(?!.*secret)/);
  });

  it.each(['../catalog', '', 'a/b', 'a\0b', 'sqlite file'])('refuses %j as the name of a database', (database) => {
    expect(() => openDocuments('sqlite:/nowhere', database)).toThrow(TypeError);
  });

  it('asks for a folder', () => {
    expect(() => openDocuments('sqlite:', 'catalog')).toThrow(/folder/);
  });
});
