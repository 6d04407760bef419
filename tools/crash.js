// `npm run crash -- --rounds N --seed S`: sets up what is missing, then runs platform/test/crash.ts.
import path from 'node:path';
import { ensureInstalled, ensureWebBuilt, findTools, must, nodePath, root } from './setup.js';

ensureInstalled();
ensureWebBuilt();
const { ffmpeg, ffprobe } = findTools();
must(nodePath(), [path.join(root, 'platform', 'test', 'crash.ts'), ...process.argv.slice(2)], {
  env: { ...process.env, TRANSCODING_FFMPEG_PATH: ffmpeg, TRANSCODING_FFPROBE_PATH: ffprobe },
});
