import { documentsAdapterSuite } from './documents-adapter.ts';

// One database for every run, which the suite empties before each test: the port has no way to drop it.
documentsAdapterSuite('mongodb:', async () => ({
  url: `${process.env['MONGODB_URL'] ?? ''}/test-adapter`,
  cleanUp: async () => undefined,
}));
