import { embedded } from './stores.ts';
import { crashSuite } from './suites/crash.ts';

crashSuite(embedded);
