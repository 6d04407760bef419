import { jest } from '@jest/globals';
import { embedded } from './stores.ts';
import { replicasSuite } from './suites/replicas.ts';

jest.setTimeout(90_000);

replicasSuite(embedded);
