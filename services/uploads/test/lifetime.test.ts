import { jest } from '@jest/globals';
import { embedded } from './stores.ts';
import { lifetimeSuite } from './suites/lifetime.ts';

jest.setTimeout(90_000);

lifetimeSuite(embedded);
