import { afterAll, describe, expect, it } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openBlobs } from '../src/index.ts';
import { growingConformance } from './growing-conformance.ts';

const folder = await mkdtemp(join(tmpdir(), 'kinora-growing-'));
afterAll(() => rm(folder, { recursive: true, force: true }));

growingConformance('the file adapter', {
  open: () => Promise.resolve(openBlobs(`file:${folder}`)),
  unitBytes: 300_000,
  isSeenGrowing: true,
  strays: () => readdir(join(folder, '.tmp')),
  bury: (appending) => appending.keep().catch(() => undefined),
});

describe('a file that grows', () => {
  const blobs = openBlobs(`file:${folder}`);
  const record = (): Promise<void> => Promise.resolve();

  it('lies at its key from the beginning, and its length is the offset, whoever made it so long', async () => {
    const state = await blobs.growing.create('uploads/a', 8);
    await writeFile(join(folder, 'uploads/a'), 'good');
    expect(await blobs.growing.offset({ key: 'uploads/a', lengthBytes: 8, state })).toBe(4);
    const appending = await blobs.growing.append({ key: 'uploads/a', lengthBytes: 8, state }, { isWhole: false, record });
    await appending.write([Buffer.from('la'), Buffer.from('st')]);
    expect(await readFile(join(folder, 'uploads/a'), 'utf8')).toBe('goodlast');
    await appending.keep();
  });

  it('is another file once its writer was shut out', async () => {
    const state = await blobs.growing.create('uploads/b', 8);
    await writeFile(join(folder, 'uploads/b'), 'good');
    const { ino } = await stat(join(folder, 'uploads/b'));
    await blobs.growing.fence({ key: 'uploads/b', lengthBytes: 8, state });
    expect((await stat(join(folder, 'uploads/b'))).ino).not.toBe(ino);
    expect(await readFile(join(folder, 'uploads/b'), 'utf8')).toBe('good');
    await blobs.growing.fence({ key: 'uploads/none', lengthBytes: 8, state });
    expect(await readdir(join(folder, 'uploads'))).not.toContain('none');
  });

  it('refuses a key that is taken', async () => {
    await blobs.put('uploads/c', Buffer.from('x'));
    await expect(blobs.growing.create('uploads/c', 1)).rejects.toThrow('There is a blob uploads/c');
  });
});
