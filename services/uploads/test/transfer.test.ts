import { jest } from '@jest/globals';
import { embedded } from './stores.ts';
import { transferSuite } from './suites/transfer.ts';

jest.setTimeout(90_000);

transferSuite(embedded);
