// `npm start`: sets up what is missing, then runs the services in one process. `--dev` reloads on change, `--service NAME` runs one.
import module from 'node:module';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureInstalled, ensureWebBuilt, environment, nodePath, root, runForeground, say } from './setup.js';

const flags = process.argv.slice(2);
const isDev = flags.includes('--dev');
const service = flags.includes('--service') ? flags[flags.indexOf('--service') + 1] : undefined;
const main = path.join(root, 'platform', 'src', 'main.ts');

process.chdir(root);
ensureInstalled();
const env = environment({ ...process.env, ...(service ? { SERVICES: service } : {}) });
const needsWeb = !isDev && (env.SERVICES ?? 'gateway').split(',').includes('gateway');
if (needsWeb) ensureWebBuilt();

if (isDev) {
  const watched = ['packages', 'services', 'platform'].flatMap((folder) => ['--watch-path', path.join(root, folder)]);
  runForeground(nodePath(), ['--watch-preserve-output', ...watched, main], env);
  const vite = path.join(root, 'node_modules', 'vite', 'bin', 'vite.js');
  runForeground(nodePath(), [vite, '--clearScreen', 'false', path.join(root, 'web')], {
    ...env,
    KINORA_URL: `http://localhost:${env.PORT ?? 3000}`,
  });
  say('The web app with live reload is on http://localhost:5173');
} else if (nodePath() === process.execPath) {
  Object.assign(process.env, env);
  // Compiled code and stripped types of the last start: a second start is quicker by as much as it takes to make them.
  module.enableCompileCache(path.join(root, 'node_modules', '.cache', 'kinora', 'compiled'));
  await import(pathToFileURL(main).href);
} else {
  runForeground(nodePath(), [main, ...flags.filter((flag) => flag === '--check-config')], env);
}
