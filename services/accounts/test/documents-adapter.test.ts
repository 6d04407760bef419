import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { documentsAdapterSuite } from './documents-adapter.ts';

documentsAdapterSuite('sqlite:', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'kinora-adapter-'));
  return { url: `sqlite:${folder}`, cleanUp: () => rm(folder, { recursive: true }) };
});
