// `npm run redrive -- [--list] [<service>.<type>]`: how full the queues are, their dead letters, and back into the queue with them.
import path from 'node:path';
import { ensureInstalled, environment, must, nodePath, root } from './setup.js';

ensureInstalled();
const command = path.join(root, 'packages', 'messaging', 'src', 'redrive.ts');
must(nodePath(), ['--disable-warning=ExperimentalWarning', command, ...process.argv.slice(2)], { env: environment() });
