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
    defaultCommandTimeout: 15_000,
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
