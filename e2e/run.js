// `npm run e2e [rounds or journeys]`: sets up what is missing, then goes the journeys in a browser. Plain JavaScript for Node >= 20.
import { ensureInstalled, ensureWebBuilt, findTools, must, nodePath } from '../tools/setup.js';
import { makeClips } from './clips.js';
import { ensureCypress } from './cypress-binary.js';
import { folder } from './folder.js';

ensureInstalled();
ensureWebBuilt();
await ensureCypress();
makeClips(findTools().ffmpeg);
must(nodePath(), ['--disable-warning=ExperimentalWarning', folder('rounds.js'), ...process.argv.slice(2)]);
