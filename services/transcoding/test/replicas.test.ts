import { rm } from 'node:fs/promises';
import path from 'node:path';
import { openBlobs } from '@kinora/blobs';
import { topology } from '@kinora/contracts';
import { openDocuments } from '@kinora/documents';
import { openBus } from '@kinora/messaging';
import { replicasSuite } from './replicas.ts';
import { makeFolder } from './transcoding.ts';

replicasSuite(async () => {
  const folder = await makeFolder();
  return {
    open: async () => ({
      documents: openDocuments(`sqlite:${path.join(folder, 'documents')}`, 'transcoding'),
      bus: openBus(`sqlite:${path.join(folder, 'bus.sqlite')}`, { topology }),
      blobs: openBlobs(`file:${path.join(folder, 'blobs')}`),
    }),
    dispose: () => rm(folder, { recursive: true, force: true }),
  };
});
