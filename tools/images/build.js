// Builds the images whose inputs have changed, and names them: `<repository>/<service>` with the digest of the inputs, the version and `latest`.
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { root, say } from '../setup.js';
import { docker, dockerQuietly, inspectImage } from './docker.js';
import { digestOf, inputsOf } from './inputs.js';
import { seal } from './seal.js';

/** What images start from unless told otherwise; `KINORA_BASE_IMAGE` may pin it: `node:26-bookworm-slim@sha256:…`. */
export const baseImage = () => process.env.KINORA_BASE_IMAGE || 'node:26-bookworm-slim';
/** Repository of images on this engine. */
export const localRepository = 'kinora';

export const version = () => JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')).version;

function git(...args) {
  try {
    return execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
  } catch {
    return ''; // no git, or no repository: an unpacked archive
  }
}

/**
 * The last commit that changed what `service` is built from, `{ revision, epochSeconds }`: later ones give the same image. With changes that
 * are not committed the revision says so, and the time is now, for the web app's validators are made of it.
 */
function commitOf(service) {
  const paths = ['--', ...inputsOf(root, service).workspaces, 'package-lock.json', '.dockerignore', 'deploy/docker', 'tools/images'];
  const [revision = '', seconds] = git('log', '--max-count=1', '--format=%H %ct', ...paths).split(' ');
  if (revision !== '' && git('status', '--porcelain', ...paths) === '') return { revision, epochSeconds: Number(seconds) };
  return { revision: revision && `${revision}-changed`, epochSeconds: Math.floor(Date.now() / 1000) };
}

/** Where the source is, when the remote says so to everybody. */
function sourceAddress() {
  const address = git('config', 'remote.origin.url');
  return /^https:\/\/[^@]*$/.test(address) ? address.replace(/\.git$/, '') : '';
}

function npmSecret() {
  const file = process.env.NPM_CONFIG_USERCONFIG || path.join(os.homedir(), '.npmrc');
  return existsSync(file) ? ['--secret', `id=npmrc,src=${file}`] : [];
}

/** Arguments of `docker build` for `service` under the name `tag`. */
function buildArguments(service, tag, { revision, epochSeconds }, flags) {
  const values = {
    SERVICE: service,
    BASE: baseImage(),
    VERSION: version(),
    REVISION: revision,
    CREATED: new Date(epochSeconds * 1000).toISOString().replace('.000Z', 'Z'),
    SOURCE: sourceAddress(),
    SOURCE_DATE_EPOCH: String(epochSeconds),
  };
  return [
    'build',
    ...['--file', path.join('deploy', 'docker', 'Dockerfile'), '--tag', tag],
    ...Object.entries(values).flatMap(([name, value]) => ['--build-arg', `${name}=${value}`]),
    ...npmSecret(),
    ...(process.env.KINORA_BUILD_NETWORK ? ['--network', process.env.KINORA_BUILD_NETWORK] : []),
    ...flags,
    root,
  ];
}

/** Name of the image of `service` for what is checked out, whether it has been built or not. */
export const localReference = (service) => `${localRepository}/${service}:${digestOf(root, service, baseImage())}`;

/** Makes sure that this engine has the image of `service` for what is checked out; `{ service, reference, isBuilt, seconds }`. */
async function buildOne(service, { isForced = false, flags = [] } = {}) {
  const reference = localReference(service);
  const startedAt = Date.now();
  const isBuilt = isForced || inspectImage(reference) === undefined;
  if (isBuilt) {
    say(`${service.padEnd(12)} is being built …`);
    const commit = commitOf(service);
    await dockerQuietly(buildArguments(service, reference, commit, flags));
    seal(reference, commit.epochSeconds);
  }
  for (const tag of [version(), 'latest']) docker(['image', 'tag', reference, `${localRepository}/${service}:${tag}`]);
  return { service, reference, isBuilt, seconds: (Date.now() - startedAt) / 1000 };
}

/** Builds what has changed of `services`, one after the other, and says so. */
export async function build(services, options) {
  const built = [];
  for (const service of services) {
    const one = await buildOne(service, options);
    say(`${service.padEnd(12)} ${one.reference}  ${one.isBuilt ? `built in ${one.seconds.toFixed(1)} s` : 'unchanged'}`);
    built.push(one);
  }
  return built;
}
