// Who needs what, by package-lock.json: the workspaces and the installed packages that a workspace is made of.
import { readFileSync } from 'node:fs';
import path from 'node:path';

/** Reads the graph of a checkout: lock path (`services/catalog`, `node_modules/x`) → its entry. Links are followed by `resolve`. */
export function readGraph(root) {
  return JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages;
}

/** Where `name` is found from the package at `from`, as Node looks for it: beside it, then further up; undefined when it is not installed. */
export function resolve(graph, from, name) {
  for (let folder = from; ; folder = folder.slice(0, Math.max(0, folder.lastIndexOf('/')))) {
    const at = folder === '' ? `node_modules/${name}` : `${folder}/node_modules/${name}`;
    const entry = graph[at];
    if (entry) return entry.link ? entry.resolved : at;
    if (folder === '') return undefined;
  }
}

const needed = ({ dependencies = {}, optionalDependencies = {}, peerDependencies = {} }) =>
  Object.keys({ ...dependencies, ...optionalDependencies, ...peerDependencies });

/**
 * Everything that `workspaces` (folders) are made of: `{ workspaces, packages }`, lock paths in order. Development dependencies count
 * only for those named in `developed`: what is built, not just run.
 */
export function closureOf(graph, workspaces, developed = []) {
  const seen = new Set();
  const waiting = [...workspaces];
  while (waiting.length > 0) {
    const at = waiting.pop();
    if (seen.has(at)) continue;
    seen.add(at);
    const entry = graph[at];
    if (!entry) throw new Error(`${at} is not in package-lock.json`);
    const names = [...needed(entry), ...(developed.includes(at) ? Object.keys(entry.devDependencies ?? {}) : [])];
    for (const name of names) {
      const target = resolve(graph, at, name);
      if (target !== undefined) waiting.push(target);
    }
  }
  const isPackage = (at) => at.includes('node_modules/');
  return { workspaces: [...seen].filter((at) => !isPackage(at)).sort(), packages: [...seen].filter(isPackage).sort() };
}
