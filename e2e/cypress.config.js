import { defineConfig } from 'cypress';

export default defineConfig({
  e2e: {
    specPattern: 'journeys/*.cy.js',
    supportFile: 'support/e2e.js',
    fixturesFolder: '.cache/clips',
    screenshotsFolder: 'results',
    downloadsFolder: 'results',
    video: false,
    trashAssetsBeforeRuns: false,
    // Limits for what hangs, not for what is slow.
    defaultCommandTimeout: 60_000,
    responseTimeout: 60_000,
    pageLoadTimeout: 120_000,
    // The page's content security policy stays in force, except for scripts, of which Cypress adds its own.
    experimentalCspAllowList: true,
    setupNodeEvents(on) {
      on('task', {
        say(line) {
          process.stdout.write(`${line}\n`);
          return null;
        },
      });
    },
  },
});
