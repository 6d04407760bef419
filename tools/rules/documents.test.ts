/** Documents that point at the repository: maps, links, decisions. */
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { exists, filesBelow, foldersIn, tableUnder, textOf } from '../repository.ts';

const folders = [
  ...foldersIn('.').flatMap((folder) =>
    folder === 'services' || folder === 'packages' ? foldersIn(folder).map((name) => `${folder}/${name}`) : [folder],
  ),
].filter((folder) => filesBelow(folder).length > 0);
const map = tableUnder(textOf('README.md'), '## Where things are');
const owners = new Map(
  textOf('CODEOWNERS')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => line.split(/\s+/, 2) as [string, string]),
);

describe('the map of folders', () => {
  it('in README.md has every folder that has files, and no other', () => {
    expect(map.map(([folder = '']) => folder.replace(/\/$/, '')).sort()).toEqual([...folders].sort());
  });

  it('in README.md says of each folder its job, its owner and its documents', () => {
    expect(map.filter((row) => row.length !== 4 || row.some((cell) => cell === ''))).toEqual([]);
  });

  it('in CODEOWNERS is the same, after one owner for the rest', () => {
    const repeated = new Map(map.map(([folder = '', , owner = '']) => [`/${folder.replace(/\/$/, '')}/`, owner]));
    const [[first] = []] = [...owners];
    expect(first).toBe('*');
    expect([...owners].slice(1).sort()).toEqual([...repeated].sort());
  });
});

describe('links', () => {
  const linksOf = (file: string): string[] =>
    [
      ...textOf(file)
        .replaceAll(/```[\s\S]*?```/g, '')
        .matchAll(/\]\(([^)\s]+)\)/g),
    ].map(([, target = '']) => target);
  const anchorsOf = (file: string): string[] =>
    [...textOf(file).matchAll(/^#+ (.+)$/gm)].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    );

  it('in documents lead to a file and a heading that exist', () => {
    const broken = filesBelow('.')
      .filter((file) => file.endsWith('.md'))
      .flatMap((file) =>
        linksOf(file)
          .filter((target) => !/^[a-z]+:/.test(target))
          .filter((target) => {
            const [where = '', anchor] = target.split('#');
            const to = where === '' ? file : path.posix.join(path.dirname(file), where);
            return !exists(to.replace(/\/$/, '')) || (anchor !== undefined && !anchorsOf(to).includes(anchor));
          })
          .map((target) => `${file} → ${target}`),
      );
    expect(broken).toEqual([]);
  });
});

describe('decisions', () => {
  const decisions = filesBelow('docs/decisions').filter((file) => !file.endsWith('/template.md'));

  it('are numbered without a gap', () => {
    expect(decisions.map((file) => path.basename(file).slice(0, 5))).toEqual(
      decisions.map((_, index) => `${String(index + 1).padStart(4, '0')}-`),
    );
  });

  it('say Context, Decision and Consequences, and their number is in their title', () => {
    const wrong = decisions.filter((file) => {
      const text = textOf(file);
      const headings = [...text.matchAll(/^## (.+)$/gm)].map(([, title]) => title);
      return !text.startsWith(`# ${path.basename(file).slice(0, 4)} `) || headings.join() !== 'Context,Decision,Consequences';
    });
    expect(wrong).toEqual([]);
  });

  it('that code and documents name exist', () => {
    const known = new Set(decisions.map((file) => path.basename(file).slice(0, 4)));
    const files = filesBelow('.').filter((file) => /\.(ts|tsx|js|md)$/.test(file) && !file.startsWith('tools/rules/'));
    const named = files.flatMap((file) =>
      [...textOf(file).matchAll(/(?:[Dd]ecision |docs\/decisions\/)(\d{4})\b/g)].map(([, number = '']) => ({ file, number })),
    );
    expect(named.filter(({ number }) => !known.has(number))).toEqual([]);
  });
});

it('documents name no machine and no folder of one', () => {
  const files = [...filesBelow('docs'), 'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
  expect(files.filter((file) => /(^|[\s`(])\/(work|home|root|Users)\//m.test(textOf(file)))).toEqual([]);
});

it('commands that documents name without a workspace are scripts of the root', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Readonly<Record<string, string>> };
  const files = [...filesBelow('.').filter((file) => file.endsWith('.md')), '.ci/run'].filter(exists);
  const named = files.flatMap((file) =>
    [...textOf(file).matchAll(/\bnpm run ([a-z][a-z0-9:-]*)(?! -w)\b/g)].map(([, name = '']) => ({ file, name })),
  );
  expect(named.filter(({ name }) => scripts[name] === undefined)).toEqual([]);
});
