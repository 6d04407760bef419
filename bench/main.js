// `npm run bench [-- section…]`: sets up what is missing, then measures (bench/run.ts).
import path from 'node:path';
import { ensureInstalled, ensureWebBuilt, findTools, must, nodePath, root } from '../tools/setup.js';

ensureInstalled();
ensureWebBuilt();
const { ffmpeg, ffprobe } = findTools();
must(nodePath(), [path.join(root, 'bench', 'run.ts'), ...process.argv.slice(2)], {
  env: { ...process.env, TRANSCODING_FFMPEG_PATH: ffmpeg, TRANSCODING_FFPROBE_PATH: ffprobe },
});
