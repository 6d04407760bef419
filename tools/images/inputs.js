// What the image of a service is made from, and the digest of it: the same inputs need not be built again.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { closureOf, readGraph } from './graph.js';

/** Workspaces that the Dockerfile builds into the image of a service beside its own dependencies. */
const builtInto = { gateway: ['web'] };
/** Files that an image is made with: those of every image, then those of one. */
const common = ['.dockerignore', 'deploy/docker/Dockerfile', 'deploy/docker/healthy', 'tools/images/assemble.ts', 'tools/images/trace.ts'];
const own = { transcoding: ['deploy/docker/ffmpeg'] };

/** Names of all services of a checkout, in order. */
export const serviceNames = (root) =>
  readdirSync(path.join(root, 'services'))
    .filter((name) => existsSync(path.join(root, 'services', name, 'src', 'main.ts')))
    .sort();

// Tells whether Docker leaves a path out, by the lines of .dockerignore that start with two asterisks: `**/name` and `**/*.ending`.
function ignorer(root) {
  const lines = readFileSync(path.join(root, '.dockerignore'), 'utf8').split('\n');
  const patterns = lines.filter((line) => line.startsWith('**/')).map((line) => line.slice(3));
  return (name) => patterns.some((pattern) => (pattern.startsWith('*') ? name.endsWith(pattern.slice(1)) : name === pattern));
}

function* filesBelow(root, relative, isIgnored) {
  const entries = readdirSync(path.join(root, relative), { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = `${relative}/${entry.name}`;
    if (isIgnored(entry.name)) continue;
    if (entry.isDirectory()) yield* filesBelow(root, file, isIgnored);
    else if (entry.isFile()) yield file;
  }
}

/** Folders and files of the repository, and entries of its lock, that the image of `service` is made from. */
export function inputsOf(root, service) {
  const graph = readGraph(root);
  const built = builtInto[service] ?? [];
  const { workspaces, packages } = closureOf(graph, [`services/${service}`, ...built], built);
  const isIgnored = ignorer(root);
  const below = workspaces.flatMap((folder) => [...filesBelow(root, folder, isIgnored)]);
  const files = [...below, ...common, ...(own[service] ?? [])];
  return { workspaces, files: files.sort(), packages: packages.map((at) => `${at} ${graph[at].version} ${graph[at].integrity ?? ''}`) };
}

/** Digest of all inputs, 16 hexadecimal digits: with the same digest an image holds the same. `base` is the image that it starts from. */
export function digestOf(root, service, base) {
  const { files, packages } = inputsOf(root, service);
  const hash = createHash('sha256').update(`${service}\n${base}\n`);
  for (const file of files)
    hash
      .update(`${file}\0`)
      .update(readFileSync(path.join(root, file)))
      .update('\0');
  for (const line of packages) hash.update(`${line}\n`);
  return hash.digest('hex').slice(0, 16);
}
