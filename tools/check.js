// `npm run check [names]`: generated documents, types, lint, format and repository rules; all of them run even when one fails.
// `--write` first repairs what a tool can repair: generated documents, lint, format.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { ensureInstalled, nodePath, root, say } from './setup.js';

const bin = (...parts) => path.join(root, 'node_modules', ...parts);
const flags = process.argv.slice(2);
const isWriting = flags.includes('--write');
const wanted = flags.filter((flag) => !flag.startsWith('-'));
const quiet = ['--disable-warning=ExperimentalWarning'];

const checks = [
  {
    name: 'generated',
    about: 'documents made from the code',
    args: [path.join('tools', 'generate.ts'), ...(isWriting ? ['--write'] : [])],
  },
  { name: 'types', about: 'TypeScript', args: [bin('typescript-native', 'bin', 'tsc'), '--noEmit', '-p', 'tsconfig.json'] },
  { name: 'lint', about: 'ESLint with types', args: [bin('eslint', 'bin', 'eslint.js'), '.', ...(isWriting ? ['--fix'] : [])] },
  {
    name: 'format',
    about: 'Prettier',
    args: [bin('prettier', 'bin', 'prettier.cjs'), isWriting ? '--write' : '--check', '--log-level', 'warn', '.'],
  },
  {
    name: 'rules',
    about: 'borders, sizes, tables',
    args: ['--experimental-vm-modules', bin('jest', 'bin', 'jest.js'), path.join('tools', 'rules')],
  },
];

/** Runs one check; says one line when it passes without a word, else what it said. */
function runCheck({ name, about, args }) {
  const startedAt = Date.now();
  const { status, stdout, stderr, error } = spawnSync(nodePath(), [...quiet, ...args], {
    cwd: root,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const isPassed = status === 0;
  const said = `${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`.trim();
  if (said !== '' && !(isPassed && name === 'rules')) say(`\n${said}\n`);
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1);
  say(`${isPassed ? 'ok    ' : 'FAILED'}  ${name.padEnd(9)}  ${about} (${seconds} s)`);
  return isPassed;
}

const unknown = wanted.filter((name) => !checks.some((check) => check.name === name));
if (unknown.length > 0) {
  say(`There is no check called ${unknown.join(', ')}. There are: ${checks.map(({ name }) => name).join(', ')}.`);
  process.exit(2);
}
ensureInstalled();
const chosen = checks.filter(({ name }) => wanted.length === 0 || wanted.includes(name));
const failed = chosen.filter((check) => !runCheck(check));
if (failed.length > 0) say(`\n${failed.length} of ${chosen.length} failed: ${failed.map(({ name }) => name).join(', ')}`);
process.exit(failed.length > 0 ? 1 : 0);
