import { jest } from '@jest/globals';
import { embedded } from './stores.ts';
import { refusalsSuite } from './suites/refusals.ts';

jest.setTimeout(90_000);

refusalsSuite(embedded);
