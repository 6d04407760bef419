import { describe, expect, it } from '@jest/globals';
import { asyncApi } from './asyncapi.ts';
import { importsOf, packageOf, stringsOf, tableUnder } from './repository.ts';
import { withSettingTables } from './setting-tables.ts';

const markdown =
  '# A\n\ntext\n\n## One\n\n| a | b |\n|---|---|\n| `x` | 1 \\| 2 |\n| y |  |\n\n## Two\n\n## Three\n\n| c |\n|---|\n| z |\n';

describe('tableUnder', () => {
  it('gives the cells of the rows below a heading, without backticks', () => {
    expect(tableUnder(markdown, '## One')).toEqual([
      ['x', '1 | 2'],
      ['y', ''],
    ]);
  });

  it('gives nothing for a heading that is absent, or has no table before the next', () => {
    expect(tableUnder(markdown, '## None')).toEqual([]);
    expect(tableUnder(markdown, '## Two')).toEqual([]);
  });
});

describe('withSettingTables', () => {
  it('replaces the table under each heading and leaves the rest', () => {
    const settings = [{ name: 'CATALOG_SIZE', about: 'a or b', defaultText: '3' }];
    const written = withSettingTables(markdown, new Map([['## One', settings]]));
    expect(tableUnder(written, '## One')).toEqual([['CATALOG_SIZE', '3', 'a or b']]);
    expect(tableUnder(written, '## Three')).toEqual([['z']]);
    expect(withSettingTables(written, new Map([['## One', settings]]))).toBe(written);
  });

  it('throws when a heading is missing', () => {
    expect(() => withSettingTables(markdown, new Map([['## None', []]]))).toThrow('## None');
  });
});

describe('reading code', () => {
  it('finds static, type-only, dynamic and re-exporting imports', () => {
    const imports = importsOf('tools/rules/tables.test.ts');
    expect(imports).toEqual(expect.arrayContaining(['@kinora/contracts', '../asyncapi.ts', '@jest/globals']));
    expect(importsOf('packages/contracts/src/index.ts')).toContain('./events.ts');
  });

  it('finds whole string literals, keys of objects among them', () => {
    expect(stringsOf('packages/contracts/src/events.ts')).toEqual(expect.arrayContaining(['upload.completed', 'transcoding']));
  });

  it('tells the package from what is imported of it', () => {
    expect(['@kinora/contracts/playback-token', 'typebox/value', 'fastify'].map(packageOf)).toEqual([
      '@kinora/contracts',
      'typebox',
      'fastify',
    ]);
  });
});

it('every reference in the AsyncAPI document leads somewhere', () => {
  const document = asyncApi();
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, target = '']) => target);
  const resolve = (target: string): unknown =>
    target.split('/').reduce<unknown>((node, key) => (node as Record<string, unknown> | undefined)?.[key], document);
  expect(references.length).toBeGreaterThan(0);
  expect(references.filter((target) => resolve(target) === undefined)).toEqual([]);
});
