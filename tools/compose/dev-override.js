// The sources of this checkout in place of those in the images: Node watches what a service has loaded and starts just that anew.
import { existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { serviceNames } from '../images/inputs.js';
import { root } from '../setup.js';

/** Writes the Compose file that does so; its path. */
export function writeDevOverride() {
  const packages = readdirSync(path.join(root, 'packages')).filter((name) => existsSync(path.join(root, 'packages', name, 'src')));
  const mount = (folder) => `${path.join(root, folder, 'src')}:/kinora/${folder}/src:ro`;
  const services = Object.fromEntries(
    serviceNames(root).map((name) => [
      name,
      {
        command: ['node', '--watch', '--watch-preserve-output', 'src/main.ts'],
        volumes: [...packages.map((folder) => mount(`packages/${folder}`)), mount(`services/${name}`)],
      },
    ]),
  );
  const file = path.join(root, '.cache', 'compose-dev.json');
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify({ services }, null, 2));
  return file;
}
