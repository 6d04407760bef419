import { embedded } from './stores.ts';
import { lifetimeSuite } from './suites/lifetime.ts';

lifetimeSuite(embedded);
