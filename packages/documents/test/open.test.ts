import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

  it.each(['mongodb://kinora:secret@/x', 'mongodb://kinora:secret@host/a.b', 'mongodb://kinora:se/cret@host'])(
    'refuses %j at once and without repeating it',
    (url) => {
      expect(() => openDocuments(url, 'catalog')).toThrow(/^(?!.*(?:se\/?cret)).*$/);
    },
  );

  it('loads the driver of MongoDB only for MongoDB', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kinora-documents-'));
    const child = join(import.meta.dirname, 'driver-child.ts');
    const loads = async (url: string) => (await promisify(execFile)(process.execPath, [child, url])).stdout;
    expect(await loads(`sqlite:${folder}`)).toBe('false');
    expect(await loads('mongodb://127.0.0.1:9/?serverSelectionTimeoutMS=100')).toBe('true');
    await rm(folder, { recursive: true });
  });

  it('asks for a folder', () => {
    expect(() => openDocuments('sqlite:', 'catalog')).toThrow(/folder/);
  });
});
