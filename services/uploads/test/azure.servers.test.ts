import { azure } from './stores.ts';
import { crashSuite } from './suites/crash.ts';
import { lifetimeSuite } from './suites/lifetime.ts';
import { refusalsSuite } from './suites/refusals.ts';
import { replicasSuite } from './suites/replicas.ts';
import { transferSuite } from './suites/transfer.ts';

transferSuite(azure);
refusalsSuite(azure);
lifetimeSuite(azure);
crashSuite(azure);
replicasSuite(azure);
