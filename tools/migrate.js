// `npm run migrate -- --from ./data --to deploy.env`: moves an installation while it runs; docs/moving.md. `--help` lists the options.
import path from 'node:path';
import { ensureInstalled, nodePath, root, runForeground } from './setup.js';

ensureInstalled();
const command = path.join(root, 'tools', 'migrate', 'main.ts');
runForeground(nodePath(), ['--disable-warning=ExperimentalWarning', command, ...process.argv.slice(2)], process.env);
