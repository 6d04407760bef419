import { describe } from '@jest/globals';
import { systemSuite } from './system.ts';

describe('a process for each service over real servers', () => systemSuite('services'));
