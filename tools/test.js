// `npm test [paths]`: sets up what is missing, then runs every test that needs nothing but Node. Arguments go to Jest.
// `--npm-ffmpeg` leaves out the ffmpeg on PATH and takes the one that came with the packages.
import path from 'node:path';
import { ensureInstalled, ensureWebBuilt, findTools, must, nodePath, root } from './setup.js';

ensureInstalled();
ensureWebBuilt();
const arguments_ = process.argv.slice(2);
const isNpmOnly = arguments_.includes('--npm-ffmpeg');
const { ffmpeg, ffprobe } = findTools(isNpmOnly ? { ...process.env, PATH: '' } : process.env);
const jest = path.join(root, 'node_modules', 'jest', 'bin', 'jest.js');
must(
  nodePath(),
  [
    '--experimental-vm-modules',
    '--disable-warning=ExperimentalWarning',
    jest,
    ...arguments_.filter((argument) => argument !== '--npm-ffmpeg'),
  ],
  {
    env: {
      ...process.env,
      PATH: `${path.dirname(nodePath())}${path.delimiter}${process.env.PATH}`,
      TRANSCODING_FFMPEG_PATH: ffmpeg,
      TRANSCODING_FFPROBE_PATH: ffprobe,
    },
  },
);
