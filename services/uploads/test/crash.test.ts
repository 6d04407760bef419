import { jest } from '@jest/globals';
import { embedded } from './stores.ts';
import { crashSuite } from './suites/crash.ts';

jest.setTimeout(90_000);

crashSuite(embedded);
