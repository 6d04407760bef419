// `npm test [paths]`: sets up what is missing, then runs every test that needs nothing but Node. Arguments go to Jest.
// `--npm-ffmpeg` leaves out the ffmpeg on PATH and takes the one that came with the packages.
// `--servers` runs the tests that talk to real servers instead: those that the environment names, and containers in place of the others.
import { spawn } from 'node:child_process';
import path from 'node:path';
import { startTestServers } from './compose/test-servers.js';
import { orSay } from './images/docker.js';
import { ensureInstalled, ensureWebBuilt, findTools, nodePath, root } from './setup.js';

/** Which setting names each server; a test never skips because one is missing. */
const addresses = {
  rabbitmq: 'AMQP_URL',
  mongodb: 'MONGODB_URL',
  s3: 'S3_ENDPOINT',
  azure: 'AZURE_STORAGE_CONNECTION_STRING',
  'azure-identity': 'AZURE_IDENTITY_ENDPOINT',
};

const own = ['--npm-ffmpeg', '--servers'];
const given = process.argv.slice(2);
const [isNpmOnly, needsServers] = own.map((flag) => given.includes(flag));

/** Resolves with Jest's status. A signal of the terminal reaches Jest by itself; this process waits for its end, to clean up. */
function runJest(env) {
  const { ffmpeg, ffprobe } = findTools(isNpmOnly ? { ...process.env, PATH: '' } : process.env);
  const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
  const options = ['--experimental-vm-modules', '--disable-warning=ExperimentalWarning'];
  const child = spawn(nodePath(), [...options, jest, ...given.filter((argument) => !own.includes(argument))], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      ...env,
      PATH: `${path.dirname(nodePath())}${path.delimiter}${process.env.PATH}`,
      TRANSCODING_FFMPEG_PATH: ffmpeg,
      TRANSCODING_FFPROBE_PATH: ffprobe,
    },
  });
  process.on('SIGINT', () => undefined);
  process.on('SIGTERM', () => child.kill('SIGTERM'));
  return new Promise((resolve, reject) => child.on('error', reject).on('exit', (code) => resolve(code ?? 1)));
}

await orSay(async () => {
  ensureInstalled();
  ensureWebBuilt();
  const missing = needsServers ? Object.keys(addresses).filter((name) => !process.env[addresses[name]]) : [];
  const servers = missing.length > 0 ? await startTestServers(missing) : undefined;
  try {
    process.exitCode = await runJest({ ...(needsServers ? { KINORA_TESTS: 'servers' } : {}), ...servers?.env });
  } finally {
    await servers?.stop();
  }
});
