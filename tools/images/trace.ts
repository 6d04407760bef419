/** Which files of a tree Node can load from an entry: what an image of a service has to hold, and nothing else. */
import { readFileSync, statSync } from 'node:fs';
import module from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** What a text names and Node would look for, by the way it is asked for. */
export interface Specifiers {
  readonly imported: readonly string[];
  readonly required: readonly string[];
  /** It looks for files by paths that it computes: nobody can say beforehand which. */
  readonly isOpaque: boolean;
}

const importing = /(?:\bfrom|\bimport(?:\.meta\.resolve)?)\s*\(?\s*(["'`])([^"'`\n$]+)\1/g;
const requiring = /\brequire(?:\.resolve)?\s*\(\s*(["'`])([^"'`\n$]+)\1/g;
const computing = /\b__dirname\b|\bimport\.meta\.(?:url|dirname|filename)\b|\brequire(?:\.resolve)?\(\s*[^\s"'`)]|\bimport\(\s*[^\s"'`/)]/;
const comment = /\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm;

/** Reads `code` as text: what only looks like an import makes an image larger, never incomplete. */
export function specifiersOf(code: string): Specifiers {
  const bare = code.replace(comment, '');
  const named = (pattern: RegExp): string[] => [...new Set([...code.matchAll(pattern)].map((match) => match[2] ?? ''))];
  return { imported: named(importing), required: named(requiring), isOpaque: computing.test(bare) };
}

/** How one tree looks specifiers up, as `import` and as `require` do; undefined for what is built in or not there. */
interface Resolver {
  imported(specifier: string, from: string): string | undefined;
  required(specifier: string, from: string): string | undefined;
}

function found(resolve: () => string): string | undefined {
  try {
    const url = resolve();
    return url.startsWith('node:') ? undefined : url.startsWith('file:') ? fileURLToPath(url) : url;
  } catch {
    // An optional dependency that is not installed, or a text that only looks like an import.
    return undefined;
  }
}

const nodeResolver: Resolver = {
  imported: (specifier, from) => found(() => import.meta.resolve(specifier, pathToFileURL(from).href)),
  required: (specifier, from) => (module.isBuiltin(specifier) ? undefined : found(() => module.createRequire(from).resolve(specifier))),
};

export interface Trace {
  /** Absolute paths with links followed, in order. */
  readonly files: readonly string[];
  /** Those among them that look for further files by computed paths. */
  readonly opaque: readonly string[];
}

/**
 * Follows imports from `entries` (absolute) through everything that Node would load. Needs `--experimental-import-meta-resolve`.
 * @throws {Error} when an entry itself is not there
 */
export function trace(entries: readonly string[]): Trace {
  const seen = new Set<string>();
  const opaque: string[] = [];
  const waiting = [...entries];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    if (!/\.[cm]?[jt]s$/.test(file)) continue;
    const { imported, required, isOpaque } = specifiersOf(readFileSync(file, 'utf8'));
    if (isOpaque) opaque.push(file);
    const next = [
      ...imported.map((specifier) => nodeResolver.imported(specifier, file)),
      ...required.map((specifier) => nodeResolver.required(specifier, file)),
    ];
    // Comments name declarations too, which nothing loads.
    for (const target of next)
      if (target !== undefined && !/\.d\.[cm]?ts$/.test(target) && statSync(target, { throwIfNoEntry: false })?.isFile())
        waiting.push(target);
  }
  return { files: [...seen].sort(), opaque: opaque.sort() };
}
