// `npm run e2e [rounds or journeys]`: sets up what is missing, then goes the journeys in a browser. Plain JavaScript for Node >= 20.
// `--services` goes them against a process for each service over the servers that the environment names.
import { ensureInstalled, ensureWebBuilt, findTools, must, nodePath } from '../tools/setup.js';
import { makeClips } from './clips.js';
import { ensureCypress } from './cypress-binary.js';
import { folder } from './folder.js';

ensureInstalled();
ensureWebBuilt();
await ensureCypress();
const { ffmpeg, ffprobe } = findTools();
makeClips(ffmpeg);
const wanted = process.argv.slice(2);
must(nodePath(), ['--disable-warning=ExperimentalWarning', folder('rounds.js'), ...wanted.filter((each) => each !== '--services')], {
  env: {
    ...process.env,
    ...(wanted.includes('--services') ? { KINORA_SHAPE: 'services' } : {}),
    TRANSCODING_FFMPEG_PATH: ffmpeg,
    TRANSCODING_FFPROBE_PATH: ffprobe,
  },
});
