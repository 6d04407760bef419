import {} from '@jest/globals';
import { azure } from './stores.ts';
import { crashSuite } from './suites/crash.ts';
import { lifetimeSuite } from './suites/lifetime.ts';
import { refusalsSuite } from './suites/refusals.ts';
import { replicasSuite } from './suites/replicas.ts';
import { transferSuite } from './suites/transfer.ts';

// Many megabytes go through servers that share a busy machine.
transferSuite(azure);
refusalsSuite(azure);
lifetimeSuite(azure);
crashSuite(azure);
replicasSuite(azure);
