// The Docker client as a program: found on PATH or named by DOCKER, its words read, its failures told in one sentence.
import { spawn, spawnSync } from 'node:child_process';
import { say } from '../setup.js';

const program = process.env.DOCKER || 'docker';

/** A failure that a person can act on; commands print its message and nothing else. */
export class Failure extends Error {
  name = 'Failure';
}

/** Runs `docker` and gives what it printed. `input` goes to its standard input. @throws {Failure} with its last words */
export function docker(args, { input, env = {}, isAllowedToFail = false } = {}) {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    input,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
    env: { ...process.env, DOCKER_BUILDKIT: '1', ...env },
  });
  if (error) throw new Failure(`${program} does not run: ${error.message}. Docker has to be installed.`);
  if (status === 0 || isAllowedToFail) return { isDone: status === 0, stdout, stderr };
  throw new Failure(`docker ${args[0]} failed: ${lastWords(stderr || stdout)}`);
}

const lastWords = (text) => text.trim().split('\n').filter(Boolean).slice(-3).join(' ') || 'it says nothing';

/** Runs `docker` with its lines kept, and shown only when it fails. @throws {Failure} */
export async function dockerQuietly(args, { env = {} } = {}) {
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, DOCKER_BUILDKIT: '1', ...env } });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (said = (said + chunk).slice(-20_000)));
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  if (code === 0) return said;
  say(said);
  throw new Failure(`docker ${args[0]} failed; what it said is above.`);
}

/** Ends the command unless an engine answers. @throws {Failure} */
export function needEngine() {
  const { isDone, stderr } = docker(['version', '--format', '{{.Server.Version}}'], { isAllowedToFail: true });
  if (!isDone) throw new Failure(`No Docker engine answers: ${lastWords(stderr)}`);
}

/** What the engine knows of an image, or undefined when it does not have it. */
export function inspectImage(reference) {
  const { isDone, stdout } = docker(['image', 'inspect', reference], { isAllowedToFail: true });
  return isDone ? JSON.parse(stdout)[0] : undefined;
}

/** Runs `command`; a Failure becomes its sentence and status 1. */
export async function orSay(command) {
  try {
    await command();
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    say(error.message);
    process.exitCode = 1;
  }
}
