import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openDocuments, type Documents } from '../src/index.ts';
import type { Record } from './conformance/record.ts';

const writer = join(import.meta.dirname, 'sqlite-writer.ts');

/** Starts a writer; `lines` gives the number of each write it had acknowledged. */
function startWriter(url: string, name: string, writes: number, concurrency: number) {
  const child = spawn(process.execPath, [writer, url, name, String(writes), String(concurrency)], { stdio: ['ignore', 'pipe', 'inherit'] });
  return { child, lines: createInterface({ input: child.stdout }), exit: once(child, 'exit') };
}

describe('several processes on one SQLite file', () => {
  let folder = '';
  let url = '';
  let documents: Documents | undefined;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'kinora-documents-'));
    url = `sqlite:${folder}/made/on/the/way`;
  });
  afterEach(async () => {
    await documents?.close();
    await rm(folder, { recursive: true });
  });

  async function open() {
    documents = openDocuments(url, 'shared');
    const written = documents.collection<Record>('written', {
      indexes: [{ keys: { writer: 1, n: 1 }, unique: true }, { keys: { tags: 1 } }],
    });
    const counters = documents.collection<Record>('counters', { indexes: [] });
    await documents.ready();
    return { written, counters };
  }

  it('lose no write of each other, though they create the file at the same moment', async () => {
    const writers = ['one', 'two'].map((name) => startWriter(url, name, 150, 3));
    const exits = await Promise.all(writers.map(({ exit }) => exit));
    expect(exits.map(([code]) => code as number)).toEqual([0, 0]);
    const { written, counters } = await open();
    expect(await written.countDocuments({})).toBe(300);
    expect(await written.countDocuments({ tags: 'one' })).toBe(150);
    expect(await counters.findOne({ _id: 'all' })).toEqual({ _id: 'all', total: 300 });
  });

  it('find every acknowledged write after kill -9 in the middle, and indexes that agree with the documents', async () => {
    for (const name of ['first', 'second']) {
      const { child, lines, exit } = startWriter(url, name, 1_000_000, 4);
      const acknowledged: string[] = [];
      for await (const line of lines) {
        acknowledged.push(`${name}-${line}`);
        if (acknowledged.length === 120) child.kill('SIGKILL');
      }
      await exit;
      const { written, counters } = await open();
      const kept = await written.find({ writer: name }, { sort: { n: 1 }, limit: 1_000_000 });
      const ids = new Set(kept.map(({ _id }) => _id));
      expect(acknowledged.filter((id) => !ids.has(id))).toEqual([]);
      const byTag = await Promise.all([0, 1, 2].map((tag) => written.countDocuments({ tags: `tag${tag}`, writer: name })));
      expect(byTag.reduce((sum, count) => sum + count)).toBe(ids.size);
      expect((await counters.findOne({ _id: 'all' }))?.['total']).toBeGreaterThanOrEqual(acknowledged.length);
      await documents?.close();
    }
  });
});
