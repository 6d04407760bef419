import { embedded } from './stores.ts';
import { transferSuite } from './suites/transfer.ts';

transferSuite(embedded);
