import { embedded } from './stores.ts';
import { refusalsSuite } from './suites/refusals.ts';

refusalsSuite(embedded);
