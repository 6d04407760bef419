/**
 * `assemble.ts <tree> <out> <service>`: copies what an image of that service holds from an installed tree, and nothing else.
 * Packages and services keep their places, for Node runs no TypeScript that really lies below `node_modules`.
 */
import { copyFileSync, globSync, mkdirSync, readdirSync, readFileSync, readlinkSync, realpathSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { trace } from './trace.ts';

const legal = /^(licen[cs]e|notice|copying|copyright)/i;
/** Files and folders that no running program asks a package for. */
const unread =
  /(^|\/)(tests?|__tests__|docs?|examples?|benchmarks?|e2e|scripts|types|dist-types|browser)\/|(^|\/)\.|\.(ts|mts|cts|map|md|flow|tsbuildinfo)$/i;
const test = /\.test\.ts$/;

/** Folder of the package that `file` belongs to: below the last `node_modules`, else the workspace. Relative, with `/`. */
export function packageFolder(file: string): string {
  const parts = file.split('/');
  const last = parts.lastIndexOf('node_modules');
  if (last < 0) return parts.slice(0, 2).join('/');
  return parts.slice(0, last + (parts[last + 1]?.startsWith('@') ? 3 : 2)).join('/');
}

const filesIn = (folder: string): string[] =>
  globSync('**/*', {
    cwd: folder,
    withFileTypes: true,
    exclude: (entry) => (typeof entry === 'string' ? entry : entry.name) === 'node_modules',
  })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));

/** A package's manifest, those of folders on the way to `files` (they say what `.js` means there), and its licences. */
function manifestsOf(tree: string, folder: string, files: readonly string[]): string[] {
  const folders = new Set([folder]);
  for (const file of files) for (let dir = path.dirname(file); dir.length > folder.length; dir = path.dirname(dir)) folders.add(dir);
  return [
    ...[...folders].map((dir) => `${dir}/package.json`).filter((file) => isFile(path.join(tree, file))),
    ...readdirSync(path.join(tree, folder)).flatMap((name) =>
      legal.test(name) && isFile(path.join(tree, folder, name)) ? [`${folder}/${name}`] : [],
    ),
  ];
}

const isFile = (file: string): boolean => {
  const { dir, base } = path.parse(file);
  return readdirSync(dir, { withFileTypes: true }).some((entry) => entry.name === base && entry.isFile());
};

/** Relative paths, in order, of what the image of `service` holds of the installed `tree`. */
export function filesFor(tree: string, service: string): string[] {
  const root = realpathSync(tree);
  const { files, opaque } = trace([path.join(root, 'services', service, 'src', 'main.ts')]);
  const relative = (file: string): string => path.relative(root, file).replaceAll(path.sep, '/');
  const whole = new Set(opaque.map((file) => packageFolder(relative(file))));
  const reached = Map.groupBy(files.map(relative), packageFolder);
  const kept = [...reached].flatMap(([folder, loaded]) => {
    const isOwn = !folder.includes('node_modules/');
    const more = isOwn
      ? filesIn(path.join(root, folder)).filter((file) => file.startsWith('src/') && !test.test(file))
      : whole.has(folder)
        ? filesIn(path.join(root, folder)).filter((file) => !unread.test(file))
        : [];
    return [...loaded, ...more.map((file) => `${folder}/${file}`), ...manifestsOf(root, folder, loaded)];
  });
  return [...new Set(kept)].sort();
}

/** Workspaces among `files`, as the links that `@kinora/…` is found by. */
function linkWorkspaces(tree: string, out: string, files: readonly string[]): void {
  const own = new Set(files.map(packageFolder).filter((folder) => !folder.includes('node_modules')));
  const scope = path.join('node_modules', '@kinora');
  mkdirSync(path.join(out, scope), { recursive: true });
  for (const name of readdirSync(path.join(tree, scope)).sort()) {
    const target = readlinkSync(path.join(tree, scope, name));
    if (own.has(path.posix.join('node_modules/@kinora', target))) symlinkSync(target, path.join(out, scope, name));
  }
}

/** Copies `filesFor(tree, service)` to `out`, which is made. */
export function assemble(tree: string, out: string, service: string): void {
  const files = filesFor(tree, service);
  for (const file of files) {
    mkdirSync(path.join(out, path.dirname(file)), { recursive: true });
    copyFileSync(path.join(tree, file), path.join(out, file));
  }
  linkWorkspaces(tree, out, files);
}

if (import.meta.main) {
  const [tree, out, service] = process.argv.slice(2);
  if (!tree || !out || !service) throw new Error('assemble.ts <tree> <out> <service>');
  if (!/^[a-z]+$/.test(service)) throw new Error(`${service} is no service`);
  // Without a type field Node would guess at every file of ours.
  readFileSync(path.join(tree, 'package.json'));
  assemble(tree, out, service);
}
