import { embedded } from './stores.ts';
import { replicasSuite } from './suites/replicas.ts';

replicasSuite(embedded);
