import { randomUUID } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { openBlobs } from '@kinora/blobs';
import { topology } from '@kinora/contracts';
import { openDocuments } from '@kinora/documents';
import { openBus } from '@kinora/messaging';
import { replicasSuite } from './replicas.ts';
import { makeFolder } from './transcoding.ts';

const { MONGODB_URL = '', S3_ENDPOINT = '', S3_BUCKET = '' } = process.env;

// What meets here are documents and blobs; commands are not waited for.
replicasSuite(async () => {
  const folder = await makeFolder();
  const name = `test-${randomUUID().slice(0, 8)}`;
  const blobsUrl = `s3://${S3_BUCKET}/${name}?endpoint=${encodeURIComponent(S3_ENDPOINT)}`;
  const documentsUrl = new URL(MONGODB_URL);
  documentsUrl.pathname = `/${name}`;
  return {
    open: async () => ({
      documents: openDocuments(documentsUrl.href, 'transcoding'),
      bus: openBus(`sqlite:${path.join(folder, 'bus.sqlite')}`, { topology }),
      blobs: openBlobs(blobsUrl),
    }),
    async dispose() {
      const blobs = openBlobs(blobsUrl);
      for (const prefix of ['assets/', 'uploads/']) await blobs.deletePrefix(prefix);
      await blobs.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
