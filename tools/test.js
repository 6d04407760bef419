// `npm test [paths]`: sets up what is missing, then runs every test that needs nothing but Node. Arguments go to Jest.
// `--npm-ffmpeg` leaves out the ffmpeg on PATH and takes the one that came with the packages.
// `--servers` runs the tests that talk to real servers instead, whose addresses are in the environment.
import path from 'node:path';
import { ensureInstalled, ensureWebBuilt, findTools, must, nodePath, root, say } from './setup.js';

/** Where `--servers` finds each of them; a test never skips because one is missing. */
const addresses = {
  AMQP_URL: 'RabbitMQ, e.g. amqp://guest:guest@127.0.0.1:5672',
  MONGODB_URL: 'MongoDB, e.g. mongodb://127.0.0.1:27017',
  S3_ENDPOINT: 'an S3 store, with S3_BUCKET, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_REGION',
  AZURE_STORAGE_CONNECTION_STRING: 'an Azure blob store or its emulator, with AZURE_CONTAINER',
};

ensureInstalled();
ensureWebBuilt();
const arguments_ = process.argv.slice(2);
const isNpmOnly = arguments_.includes('--npm-ffmpeg');
const needsServers = arguments_.includes('--servers');
if (needsServers) {
  const missing = Object.keys(addresses).filter((name) => !process.env[name]);
  for (const name of missing) say(`${name} is not set: the address of ${addresses[name]}.`);
  if (missing.length > 0) process.exit(1);
}
const { ffmpeg, ffprobe } = findTools(isNpmOnly ? { ...process.env, PATH: '' } : process.env);
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
must(
  nodePath(),
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    ...arguments_.filter((argument) => argument !== '--npm-ffmpeg' && argument !== '--servers'),
  ],
  {
    env: {
      ...process.env,
      ...(needsServers ? { KINORA_TESTS: 'servers' } : {}),
      PATH: `${path.dirname(nodePath())}${path.delimiter}${process.env.PATH}`,
      TRANSCODING_FFMPEG_PATH: ffmpeg,
      TRANSCODING_FFPROBE_PATH: ffprobe,
    },
  },
);
