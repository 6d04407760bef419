/** One configuration for every package and service. `slow` tests encode real video. */
export default {
  testEnvironment: 'node',
  testMatch: ['<rootDir>/{packages,services,platform,tools,web}/**/*.test.ts'],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/data/'],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tools/jest/transform.js' },
  testTimeout: 20_000,
  maxWorkers: 2,
};
