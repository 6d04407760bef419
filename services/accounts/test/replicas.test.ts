import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { replicasSuite } from './replicas.ts';

replicasSuite(async () => ({ dataDir: await mkdtemp(path.join(tmpdir(), 'kinora-accounts-')), env: {} }));
