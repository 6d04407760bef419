import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDocuments } from '../src/index.ts';
import { documentsConformance } from './conformance.ts';

documentsConformance('sqlite:', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-documents-'));
  const url = `sqlite:${folder}`;
  return {
    documents: openDocuments(url, 'conformance'),
    reopen: async () => openDocuments(url, 'conformance'),
    cleanUp: () => rm(folder, { recursive: true }),
  };
});
