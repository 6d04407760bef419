import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const at = (path: string): URL => new URL(`../${path}`, import.meta.url);
const isBuilt = existsSync(at('dist/index.html'));
// Without a build there is nothing to measure; `npm start` and CI make one before.
const afterBuild = isBuilt ? it : it.skip;

/** Compressed bytes of the files with this extension that the home page loads at once. */
function loadedBytes(extension: 'js' | 'css'): number {
  const page = readFileSync(at('dist/index.html'), 'utf8');
  const files = [...page.matchAll(/(?:src|href)="\/(assets\/[^"]+)"/g)].map(([, file]) => file ?? '');
  return files.filter((file) => file.endsWith(`.${extension}`)).reduce((sum, file) => sum + statSync(at(`dist/${file}.br`)).size, 0);
}

describe('the home page', () => {
  const budget = JSON.parse(readFileSync(at('bundle-budget.json'), 'utf8')) as Record<string, number>;
  afterBuild('loads no more JavaScript than its budget', () => {
    expect(loadedBytes('js')).toBeGreaterThan(0);
    expect(loadedBytes('js')).toBeLessThanOrEqual(budget['homePageJsBrotliBytes'] ?? 0);
  });
  afterBuild('loads no more style sheets than its budget', () => {
    expect(loadedBytes('css')).toBeLessThanOrEqual(budget['homePageCssBrotliBytes'] ?? 0);
  });
});
