// Goes the journeys, each round in a browser of another language and width and against a fresh installation.
import { rmSync } from 'node:fs';
import cypress from 'cypress';
import { Installation } from '../platform/test/installation.ts';
import { folder } from './folder.js';

const setupCode = 'journey-setup-code';
const locales = { ko: 'ko', en: 'en-US' };
const all = ['set-up', 'sign-in', 'errors', 'upload', 'resume', 'watch'];

/** What is gone where. First-run set-up is gone in every language and width, the rest in each of them once. */
const rounds = [
  { name: 'ko-1280', language: 'ko', widthPx: 1280, heightPx: 800, journeys: all },
  { name: 'en-390', language: 'en', widthPx: 390, heightPx: 844, journeys: all },
  { name: 'en-1280', language: 'en', widthPx: 1280, heightPx: 800, journeys: ['set-up', 'sign-in'] },
  { name: 'ko-390', language: 'ko', widthPx: 390, heightPx: 844, journeys: ['set-up', 'sign-in'] },
];

/** Encoding that takes its time on any machine and leaves a processor to the browser. */
const slowEncoding = { TRANSCODING_CONCURRENCY: '1', TRANSCODING_THREADS: '1', TRANSCODING_PRESET: 'slow' };

async function goRound({ name, language, widthPx, heightPx, journeys }) {
  const installation = await Installation.create({
    ...slowEncoding,
    ACCOUNTS_SETUP_CODE: setupCode,
    ACCOUNTS_ADMIN_EMAIL: undefined,
    ACCOUNTS_ADMIN_PASSWORD: undefined,
  });
  try {
    await installation.start({ direct: true });
    Object.assign(process.env, {
      ELECTRON_EXTRA_LAUNCH_ARGS: `--lang=${locales[language]} --disable-audio-output --log-level=3`,
      NODE_NO_WARNINGS: '1', // of the Node inside Cypress, about itself
    });
    const result = await cypress.run({
      project: folder(),
      browser: 'electron',
      quiet: true,
      spec: journeys.map((journey) => folder('journeys', `${journey}.cy.js`)).join(','),
      config: {
        baseUrl: installation.url,
        viewportWidth: widthPx,
        viewportHeight: heightPx,
        screenshotsFolder: folder('results', name),
      },
      env: { language, setupCode },
    });
    if (result.status === 'failed') throw new Error(result.message);
    if (result.totalFailed > 0) process.stdout.write(`\nWhat Kinora printed:\n${installation.output.slice(-20_000)}\n`);
    return result;
  } finally {
    await installation.remove();
  }
}

const wanted = process.argv.slice(2);
const known = [...rounds.map(({ name }) => name), ...all];
const unknown = wanted.filter((name) => !known.includes(name));
if (unknown.length > 0) {
  process.stdout.write(`There is no round or journey called ${unknown.join(', ')}. There are: ${known.join(', ')}.\n`);
  process.exit(2);
}
const wantedJourneys = all.filter((name) => wanted.includes(name));
const isWanted = ({ name }) => wanted.length === wantedJourneys.length || wanted.includes(name);

rmSync(folder('results'), { recursive: true, force: true });
const total = { passed: 0, failed: 0 };
for (const round of rounds.filter(isWanted)) {
  const journeys = wantedJourneys.length > 0 ? wantedJourneys : round.journeys;
  process.stdout.write(`\n=== ${round.name}: ${journeys.join(', ')} ===\n`);
  try {
    const { totalPassed, totalFailed, totalSkipped, totalDuration } = await goRound({ ...round, journeys });
    total.passed += totalPassed;
    total.failed += totalFailed + totalSkipped;
    process.stdout.write(
      `${round.name}: ${totalPassed} passed, ${totalFailed + totalSkipped} failed (${Math.round(totalDuration / 1000)} s)\n`,
    );
  } catch (error) {
    total.failed += 1;
    process.stdout.write(`${round.name}: ${error.message}\n`);
  }
}
process.stdout.write(`\n${total.passed} passed, ${total.failed} failed\n`);
process.exit(total.failed > 0 || total.passed === 0 ? 1 : 0);
