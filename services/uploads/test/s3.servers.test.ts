import { s3 } from './stores.ts';
import { crashSuite } from './suites/crash.ts';
import { lifetimeSuite } from './suites/lifetime.ts';
import { refusalsSuite } from './suites/refusals.ts';
import { replicasSuite } from './suites/replicas.ts';
import { transferSuite } from './suites/transfer.ts';

transferSuite(s3);
refusalsSuite(s3);
lifetimeSuite(s3);
crashSuite(s3);
replicasSuite(s3);
