// What a fresh clone lacks, brought along by the commands themselves. Plain JavaScript: it runs on the Node that people have (>= 20).
import { spawn, spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { accessSync, constants, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const stamps = path.join(root, 'node_modules', '.cache', 'kinora');
const require = createRequire(path.join(root, 'package.json'));

/** Says one line to the person who started the command. */
export const say = (line) => process.stdout.write(`${line}\n`);

function files(folder) {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath ?? entry.path, entry.name))
    .filter((file) => !/[/\\](node_modules|dist)[/\\]/.test(file))
    .sort();
}

function digest(paths) {
  const hash = createHash('sha256');
  for (const file of paths) hash.update(path.relative(root, file)).update('\0').update(readFileSync(file)).update('\0');
  return hash.digest('hex');
}

const isStamped = (name, value) => existsSync(path.join(stamps, name)) && readFileSync(path.join(stamps, name), 'utf8') === value;
function stamp(name, value) {
  mkdirSync(stamps, { recursive: true });
  writeFileSync(path.join(stamps, name), value);
}

/** Runs a command in the repository and ends this process with its status when it fails. */
export function must(command, args, options = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', shell: process.platform === 'win32', ...options });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

/** Installs the packages of package-lock.json unless they are there already. */
export function ensureInstalled() {
  const lock = digest([path.join(root, 'package-lock.json')]);
  if (isStamped('installed', lock) && existsSync(nodePath())) return;
  say('Installing packages (once; needs the network) …');
  // Not `npm ci`: it empties node_modules first, and it refuses a lock file that names no packages for other platforms.
  must('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], { stdio: ['ignore', 'ignore', 'inherit'] });
  if (!existsSync(nodePath())) {
    say(
      'Node 26 did not come along: npm is set to ignore install scripts. Install Node 26, or run `npm rebuild node --ignore-scripts=false`.',
    );
    process.exit(1);
  }
  stamp('installed', lock);
}

/** The Node that runs Kinora: this one when it is 26 or newer, else the one that came with the packages. */
export function nodePath() {
  if (Number(process.versions.node.split('.')[0]) >= 26) return process.execPath;
  return path.join(root, 'node_modules', 'node', 'bin', process.platform === 'win32' ? 'node.exe' : 'node');
}

/** Builds the web app unless its sources are the same as last time. */
export function ensureWebBuilt() {
  const sources = [
    ...files(path.join(root, 'web')),
    ...files(path.join(root, 'packages', 'contracts', 'src')),
    path.join(root, 'package-lock.json'),
  ];
  const value = digest(sources);
  if (isStamped('web', value) && existsSync(path.join(root, 'web', 'dist', 'index.html'))) return;
  say('Building the web app …');
  must(nodePath(), [path.join(root, 'node_modules', 'vite', 'bin', 'vite.js'), 'build', '--logLevel', 'warn'], {
    cwd: path.join(root, 'web'),
  });
  stamp('web', value);
}

function onPath(name, folders = '') {
  for (const folder of folders.split(path.delimiter)) {
    const file = path.join(folder, process.platform === 'win32' ? `${name}.exe` : name);
    try {
      accessSync(file, constants.X_OK);
      if (statSync(file).isFile()) return file;
    } catch {
      continue;
    }
  }
  return undefined;
}

/** Paths of ffmpeg and ffprobe: as set, else from PATH, else from the npm packages. */
export function findTools(env = process.env) {
  return {
    ffmpeg: env.TRANSCODING_FFMPEG_PATH || onPath('ffmpeg', env.PATH) || require('@ffmpeg-installer/ffmpeg').path,
    ffprobe: env.TRANSCODING_FFPROBE_PATH || onPath('ffprobe', env.PATH) || require('@ffprobe-installer/ffprobe').path,
  };
}

/** The environment that every service of this machine shares: data folder, tools, secrets made once. */
export function environment(env = process.env) {
  const dataDir = path.resolve(root, env.DATA_DIR || 'data');
  mkdirSync(dataDir, { recursive: true });
  const { ffmpeg, ffprobe } = findTools(env);
  return {
    // glibc asks for huge pages for buffers of 2 MB and more: sending a hot segment takes an eighth less CPU time.
    GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1',
    ...env,
    DATA_DIR: dataDir,
    PLAYBACK_SECRET: env.PLAYBACK_SECRET || playbackSecret(dataDir),
    TRANSCODING_FFMPEG_PATH: ffmpeg,
    TRANSCODING_FFPROBE_PATH: ffprobe,
  };
}

function playbackSecret(dataDir) {
  const file = path.join(dataDir, 'playback-secret');
  if (!existsSync(file)) {
    try {
      writeFileSync(file, randomBytes(32).toString('hex'), { flag: 'wx', mode: 0o600, flush: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
    }
  }
  return readFileSync(file, 'utf8').trim();
}

/** Starts a child in the repository that gets this process's signals and whose end ends this process. */
export function runForeground(command, args, env) {
  const child = spawn(command, args, { cwd: root, stdio: 'inherit', env });
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
  child.on('exit', (code, signal) => process.exit(code ?? (signal ? 1 : 0)));
  return child;
}
