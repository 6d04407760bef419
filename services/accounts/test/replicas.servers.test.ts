import { randomUUID } from 'node:crypto';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { replicasSuite } from './replicas.ts';

replicasSuite(async () => {
  const url = new URL(process.env['MONGODB_URL'] ?? '');
  url.pathname = `/test-${randomUUID().slice(0, 8)}`;
  return { dataDir: await mkdtemp(path.join(tmpdir(), 'kinora-accounts-')), env: { DOCUMENTS_URL: url.href } };
});
