/** The repository as the rules see it: its files, their imports, the tables in its documents. */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';

export const root = path.dirname(import.meta.dirname);

const ignored = new Set(['node_modules', 'dist', 'data', 'coverage', '.git', '.cache']);

/** Paths of all files below `folder`, relative to the root, in order; what git ignores is left out. */
export function filesBelow(folder: string): string[] {
  const found: string[] = [];
  const walk = (relative: string): void => {
    for (const entry of readdirSync(path.join(root, relative), { withFileTypes: true })) {
      if (ignored.has(entry.name)) continue;
      const file = path.posix.join(relative, entry.name);
      if (entry.isDirectory()) walk(file);
      else if (entry.isFile()) found.push(file);
    }
  };
  if (exists(folder)) walk(folder);
  return found.sort();
}

/** Names of the folders directly in `folder`. */
export const foldersIn = (folder: string): string[] =>
  exists(folder)
    ? readdirSync(path.join(root, folder), { withFileTypes: true })
        .filter((entry) => entry.isDirectory() && !ignored.has(entry.name) && !entry.name.startsWith('.'))
        .map(({ name }) => name)
        .sort()
    : [];

/** True when there is such a file or folder. */
export function exists(relative: string): boolean {
  const { dir, base } = path.parse(path.join(root, relative));
  try {
    return base === '' || readdirSync(dir).includes(base);
  } catch {
    return false;
  }
}

/** Text of a file. */
export const textOf = (relative: string): string => readFileSync(path.join(root, relative), 'utf8');

/** Number of lines as `wc -l` counts them. */
export const linesOf = (relative: string): number => textOf(relative).split('\n').length - 1;

const code = /\.tsx?$/;
const test = /(\.test\.tsx?|\.cy\.tsx)$|\/test\//;

/** TypeScript files below `folder`. */
export const codeBelow = (folder: string): string[] => filesBelow(folder).filter((file) => code.test(file));

/** True for tests and what only tests use. */
export const isTest = (file: string): boolean => test.test(file);

/** Services that have code. */
export const services = (): string[] => foldersIn('services').filter((name) => exists(`services/${name}/src/service.ts`));

/** Everything a file imports: static, dynamic, types and re-exports. */
export const importsOf = (relative: string): string[] =>
  ts.preProcessFile(textOf(relative), true, true).importedFiles.map(({ fileName }) => fileName);

/** Package that a specifier names: `@kinora/contracts/playback-token` → `@kinora/contracts`. */
export const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/');

/** Every string literal of a file, template literals without substitutions among them. */
export function stringsOf(relative: string): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node)) found.push(node.text);
    ts.forEachChild(node, visit);
  };
  visit(
    ts.createSourceFile(
      relative,
      textOf(relative),
      ts.ScriptTarget.Latest,
      false,
      relative.endsWith('x') ? ts.ScriptKind.TSX : ts.ScriptKind.TS,
    ),
  );
  return found;
}

/** Rows of the Markdown table that follows `heading` (a whole heading line), cells trimmed and without backticks; empty when there is none. */
export function tableUnder(markdown: string, heading: string): string[][] {
  const lines = markdown.split('\n');
  const from = lines.indexOf(heading);
  if (from < 0) return [];
  const rest = lines.slice(from + 1);
  const start = rest.findIndex((line) => line.startsWith('|'));
  const next = rest.findIndex((line) => line.startsWith('#'));
  if (start < 0 || (next >= 0 && next < start)) return [];
  const rows: string[][] = [];
  for (const line of rest.slice(start)) {
    if (!line.startsWith('|')) break;
    rows.push(cellsOf(line));
  }
  return rows.slice(2);
}

const cellsOf = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('`', '').replaceAll('\\|', '|'));
