/** How long things may get. */
import { describe, expect, it } from '@jest/globals';
import { codeBelow, exists, foldersIn, isTest, linesOf, services, textOf } from '../repository.ts';

const folders = [...services().map((name) => `services/${name}`), ...foldersIn('packages').map((name) => `packages/${name}`)];

/** Lines of code that a folder may have, tests left out; the ones that differ from what is usual have decision 0015. */
const limits: Readonly<Record<string, number>> = { services: 1500, 'packages/service': 1400, 'services/transcoding': 2700 };

const codeOf = (folder: string): string[] => codeBelow(`${folder}/src`).filter((file) => !isTest(file));
const sum = (files: readonly string[]): number => files.reduce((total, file) => total + linesOf(file), 0);
/** `file: lines of limit` of the files that are longer. */
const longer = (files: readonly string[], limit: number): string[] =>
  files.filter((file) => exists(file) && linesOf(file) > limit).map((file) => `${file}: ${linesOf(file)} of ${limit}`);
const inEachService = (file: string): string[] => services().map((name) => `services/${name}/${file}`);

describe('lines', () => {
  it.each(folders.filter((folder) => limits[folder] !== undefined || folder.startsWith('services/')))(
    'of %s stay within its limit',
    (folder) => {
      const limit = limits[folder] ?? limits['services'] ?? 0;
      const lines = sum(codeOf(folder));
      const longest = codeOf(folder)
        .sort((a, b) => linesOf(b) - linesOf(a))
        .map((file) => `${linesOf(file)} ${file}`);
      const verdict = lines <= limit ? 'within' : `${folder} has ${lines} lines of ${limit}:\n${longest.join('\n')}`;
      expect(verdict).toBe('within');
    },
  );

  it('of the files that every service has stay within their limits', () => {
    expect([
      ...longer(inEachService('README.md'), 80),
      ...longer(inEachService('src/main.ts'), 10),
      ...longer(inEachService('src/service.ts'), 80),
      ...longer(inEachService('src/config.ts'), 60),
      ...longer(inEachService('src/subscriptions.ts'), 150),
    ]).toEqual([]);
  });

  it('of a file pass 300 only where its first comment says why', () => {
    const files = [...codeBelow('packages'), ...codeBelow('services'), ...codeBelow('platform'), ...codeBelow('web')].filter(
      (file) => !isTest(file) && linesOf(file) > 300,
    );
    const isExplained = (file: string): boolean => /^(\/\/[^\n]*|\/\*\*(?:(?!\*\/)[\s\S])*)past 300 lines/i.test(textOf(file));
    expect(
      files
        .filter((file) => !isExplained(file))
        .map((file) => `${file}: ${linesOf(file)} lines; its first comment has to say "Past 300 lines because …"`),
    ).toEqual([]);
  });
});

it('every service has a README, a manifest, an entry, a composition and a configuration', () => {
  const wanted = services().flatMap((name) =>
    ['README.md', 'package.json', 'src/main.ts', 'src/service.ts', 'src/config.ts'].map((file) => `services/${name}/${file}`),
  );
  expect(wanted.filter((file) => !exists(file))).toEqual([]);
});
