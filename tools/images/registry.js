// Speaks to a registry through the Docker client, with a configuration of its own: nothing of a login stays on the machine.
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { docker, Failure } from './docker.js';

/** Asks at the terminal; what is typed is not shown when `isSecret`. */
async function ask(question, isSecret = false) {
  process.stdout.write(question);
  const output = isSecret ? new Writable({ write: (_chunk, _encoding, done) => done() }) : process.stdout;
  const terminal = createInterface({ input: process.stdin, output, terminal: isSecret });
  const answer = await terminal.question('');
  terminal.close();
  if (isSecret) process.stdout.write('\n');
  return answer;
}

/** User and password from the environment, else from the terminal; undefined where neither is: then the client's own login counts. */
async function credentials(host) {
  const { KINORA_REGISTRY_USER: user, KINORA_REGISTRY_PASSWORD: password } = process.env;
  if (user && password) return { user, password };
  if (user || password) throw new Failure('KINORA_REGISTRY_USER and KINORA_REGISTRY_PASSWORD go together.');
  if (!process.stdin.isTTY) return undefined;
  const asked = await ask(`User at ${host} (Enter: as docker login has it): `);
  return asked === '' ? undefined : { user: asked, password: await ask('Password: ', true) };
}

/** The engine that the client speaks to at present: its own configuration says so, and another configuration would forget it. */
function engineAddress() {
  if (process.env.DOCKER_HOST) return {};
  const { isDone, stdout } = docker(['context', 'inspect', '--format', '{{.Endpoints.docker.Host}}'], { isAllowedToFail: true });
  return isDone && stdout.trim() ? { DOCKER_HOST: stdout.trim() } : {};
}

/** Signs in at the host of `repository`. @throws {Failure} in words, when the registry refuses or does not answer */
function login(host, { user, password }, env) {
  const { isDone, stderr } = docker(['login', '--username', user, '--password-stdin', host], {
    input: password,
    env,
    isAllowedToFail: true,
  });
  if (isDone) return;
  const isRefused = /unauthorized|401|incorrect username or password|denied/i.test(stderr);
  throw new Failure(
    isRefused
      ? `The registry ${host} refuses this user and password.`
      : `The registry ${host} does not answer as one: ${stderr.trim().split('\n').pop()}`,
  );
}

/** First part of a repository, when it names a host as Docker reads it; Docker Hub otherwise. */
export function hostOf(repository) {
  const [first = ''] = repository.split('/');
  return /[.:]|^localhost$/.test(first) ? first : 'docker.io';
}

/** Runs `use(env)` signed in at the registry of `repository`; `env` goes to every `docker` that is to be. */
export async function signedIn(repository, use) {
  const host = hostOf(repository);
  const given = await credentials(host);
  if (!given) return use({});
  const folder = mkdtempSync(path.join(os.tmpdir(), 'kinora-docker-'));
  try {
    const env = { ...engineAddress(), DOCKER_CONFIG: folder };
    login(host, given, env);
    return await use(env);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Pushes `reference`; its digest at the registry, `sha256:…`. */
export function push(reference, env) {
  const { stdout } = docker(['image', 'push', reference], { env });
  const digest = /digest: (sha256:[0-9a-f]{64})/.exec(stdout)?.[1];
  if (!digest) throw new Failure(`docker push of ${reference} told no digest.`);
  return digest;
}
