const needsServers = process.env.KINORA_TESTS === 'servers';

/** One configuration for every package and service. `slow` tests encode real video; `*.servers.test.ts` need real servers: `npm run test:servers`. */
export default {
  testEnvironment: 'node',
  testMatch: [`<rootDir>/{packages,services,platform,tools,web}/**/*${needsServers ? '.servers' : ''}.test.ts`],
  testPathIgnorePatterns: ['/node_modules/', '/dist/', '/data/', ...(needsServers ? [] : ['\\.servers\\.test\\.ts$'])],
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/tools/jest/transform.js' },
  testTimeout: 180_000, // a limit for what hangs, not for what is slow
  maxWorkers: 2,
};
