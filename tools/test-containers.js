// `npm run test:compose` and `npm run test:images`: sets up what is missing, then runs platform/test/<name>.ts. Needs a Docker engine.
import path from 'node:path';
import { ensureInstalled, findTools, must, nodePath, root } from './setup.js';

const [name, ...flags] = process.argv.slice(2);
ensureInstalled();
const { ffmpeg, ffprobe } = findTools();
must(nodePath(), [path.join(root, 'platform', 'test', `${name}.ts`), ...flags], {
  env: { ...process.env, TRANSCODING_FFMPEG_PATH: ffmpeg, TRANSCODING_FFPROBE_PATH: ffprobe },
});
