/** Who may import whom. */
import { builtinModules } from 'node:module';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { codeBelow, exists, filesBelow, foldersIn, importsOf, isTest, packageOf, stringsOf, textOf } from '../repository.ts';

const workspaces = [
  ...foldersIn('packages').map((name) => `packages/${name}`),
  ...foldersIn('services').map((name) => `services/${name}`),
  'platform',
  'web',
  'tools',
  'bench',
].filter((folder) => exists(`${folder}/package.json`));

/** Packages of ours that each folder may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  'packages/contracts': [],
  'packages/documents': [],
  'packages/blobs': [],
  'packages/messaging': ['@kinora/contracts', '@kinora/documents'],
  'packages/service': ['@kinora/contracts', '@kinora/documents', '@kinora/messaging', '@kinora/blobs'],
  services: ['@kinora/contracts', '@kinora/documents', '@kinora/messaging', '@kinora/blobs', '@kinora/service'],
  web: ['@kinora/contracts'],
};

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
}
const manifestOf = (folder: string): Manifest => JSON.parse(textOf(path.posix.join(folder, 'package.json'))) as Manifest;
const serviceNames = foldersIn('services').map((name) => `@kinora/${name}`);
/** A service's tests may run others beside it: there are no mocks of our own code. */
const mayRun = (file: string, specifier: string): boolean =>
  file.startsWith('services/') && isTest(file) && serviceNames.includes(specifier);
const isNode = (specifier: string): boolean => specifier.startsWith('node:');
const isRelative = (specifier: string): boolean => specifier.startsWith('.');

/** `file → specifier` of every import below `folder` that `isWrong`. */
const wrongImports = (folder: string, isWrong: (specifier: string, file: string) => boolean): string[] =>
  codeBelow(folder).flatMap((file) =>
    importsOf(file)
      .filter((specifier) => isWrong(specifier, file))
      .map((specifier) => `${file} → ${specifier}`),
  );

describe('imports of our own packages', () => {
  it.each(workspaces.filter((folder) => !['platform', 'tools', 'bench'].includes(folder)))('keep to the borders of %s', (folder) => {
    const self = manifestOf(folder).name;
    const may = [self, ...(allowed[folder] ?? allowed[path.dirname(folder)] ?? [])];
    expect(
      wrongImports(
        folder,
        (specifier, file) => specifier.startsWith('@kinora/') && !may.includes(packageOf(specifier)) && !mayRun(file, specifier),
      ),
    ).toEqual([]);
  });

  it('are never of a service, except where services are put together, in tools and in tests of services', () => {
    const folders = workspaces.filter((folder) => !['platform', 'tools', 'bench'].includes(folder));
    const isForeign = (specifier: string, file: string): boolean => {
      const name = packageOf(specifier);
      return serviceNames.includes(name) && !file.startsWith(`services/${name.slice('@kinora/'.length)}/`) && !mayRun(file, specifier);
    };
    expect(folders.flatMap((folder) => wrongImports(folder, isForeign))).toEqual([]);
  });
});

describe('imports of other packages', () => {
  it.each(workspaces)('are listed in package.json of %s', (folder) => {
    const own = manifestOf(folder);
    const rootManifest = manifestOf('.');
    const listed = new Set([own.name, ...Object.keys({ ...own.dependencies, ...own.devDependencies })]);
    const shared = new Set(Object.keys({ ...rootManifest.dependencies, ...rootManifest.devDependencies }));
    const mayUseShared = (file: string): boolean => isTest(file) || ['tools', 'bench'].includes(folder) || /\.config\.ts$/.test(file);
    const isUnlisted = (specifier: string, file: string): boolean => {
      if (isNode(specifier) || isRelative(specifier) || specifier.includes('?')) return false;
      const name = packageOf(specifier);
      if (listed.has(name) || (mayUseShared(file) && (shared.has(name) || name.startsWith('@kinora/')))) return false;
      return true;
    };
    expect(wrongImports(folder, isUnlisted)).toEqual([]);
  });

  it('that package.json lists are the same in package-lock.json, so that npm ci takes them', () => {
    const { packages } = JSON.parse(textOf('package-lock.json')) as { packages: Readonly<Record<string, Manifest>> };
    const both = ({ dependencies = {}, devDependencies = {} }: Partial<Manifest>): string =>
      JSON.stringify([Object.entries(dependencies).sort(), Object.entries(devDependencies).sort()]);
    expect(['', ...workspaces].filter((folder) => both(packages[folder] ?? {}) !== both(manifestOf(folder === '' ? '.' : folder)))).toEqual(
      [],
    );
  });

  it('name built-in modules with node:', () => {
    const bare = new Set(builtinModules.filter((name) => !isNode(name)));
    expect(workspaces.flatMap((folder) => wrongImports(folder, (specifier) => bare.has(specifier)))).toEqual([]);
  });

  it('bring no part of Node into what runs in a browser', () => {
    const outside = ['web/vite-precompress.ts', 'web/vite.config.ts'];
    expect(wrongImports('web', (specifier, file) => isNode(specifier) && !isTest(file) && !outside.includes(file))).toEqual([]);
  });
});

describe('relative imports', () => {
  it('end in the name of a file that exists', () => {
    const isWrong = (specifier: string, file: string): boolean =>
      isRelative(specifier) &&
      (!/\.(ts|tsx|js|css|svg|json)(\?\w+)?$/.test(specifier) ||
        !exists(path.posix.join(path.dirname(file), specifier.split('?')[0] ?? '')));
    expect(workspaces.flatMap((folder) => wrongImports(folder, isWrong))).toEqual([]);
  });

  it('stay inside their package, but for tests that run another service beside their own', () => {
    const isNeighbour = (file: string, target: string): boolean => isTest(file) && /^services\/[a-z]+\/src\/service\.ts$/.test(target);
    const leaves =
      (folder: string) =>
      (specifier: string, file: string): boolean => {
        const target = path.posix.join(path.dirname(file), specifier);
        return isRelative(specifier) && !target.startsWith(`${folder}/`) && !isNeighbour(file, target);
      };
    const strict = workspaces.filter((folder) => folder !== 'tools' && folder !== 'bench');
    expect(strict.flatMap((folder) => wrongImports(folder, leaves(folder)))).toEqual([]);
  });

  it('make code never reach for a test, but for bench, which drives the platform from outside as tests do', () => {
    const isWrong = (specifier: string, file: string): boolean =>
      isRelative(specifier) && !isTest(file) && isTest(path.posix.join(path.dirname(file), specifier));
    expect(workspaces.filter((folder) => folder !== 'bench').flatMap((folder) => wrongImports(folder, isWrong))).toEqual([]);
  });
});

describe('files of a service', () => {
  const serviceFiles = codeBelow('services').filter((file) => !isTest(file));
  const named = (name: string): string[] => serviceFiles.filter((file) => file.endsWith(`/src/${name}`));
  const importsBeyond = (files: readonly string[], may: readonly string[]): string[] =>
    files.flatMap((file) =>
      importsOf(file)
        .filter((specifier) => !may.includes(specifier))
        .map((specifier) => `${file} → ${specifier}`),
    );

  it('let main.ts only run service.ts', () => {
    expect(importsBeyond(named('main.ts'), ['./service.ts', '@kinora/service'])).toEqual([]);
  });

  it('let config.ts only read settings', () => {
    expect(importsBeyond(named('config.ts'), ['@kinora/service', '@kinora/contracts'])).toEqual([]);
  });

  it('name collections in store files only', () => {
    const isStore = (file: string): boolean => /\/src\/(store|[a-z-]+-store|store\/[a-z-]+)\.ts$/.test(file);
    expect(serviceFiles.filter((file) => !isStore(file) && /\bdocuments\.collection\b/.test(textOf(file)))).toEqual([]);
  });

  it('read the environment nowhere: it is handed to readConfig, and part of it to outside programs', () => {
    const runsPrograms = 'services/transcoding/src/ffmpeg.ts';
    expect(serviceFiles.filter((file) => file !== runsPrograms && /\bprocess\.env\b/.test(textOf(file)))).toEqual([]);
  });
});

describe('names', () => {
  it('of files say what is in them', () => {
    const said = /(^|\/)(utils?|helpers?|constants?|types|common|misc|shared)(\.tsx?$|\/)/;
    expect(workspaces.flatMap((folder) => filesBelow(folder)).filter((file) => said.test(file))).toEqual([]);
  });

  it('of files are kebab-case, of React components PascalCase', () => {
    const isNamed = (file: string): boolean => {
      const name = path.basename(file).replace(/(\.[a-z]+)+$/, '');
      return /^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || (/\.tsx$/.test(file) && /^([A-Z][a-z0-9]*)+$/.test(name));
    };
    expect(workspaces.flatMap((folder) => codeBelow(folder)).filter((file) => !isNamed(file))).toEqual([]);
  });

  it('of index files belong to packages only', () => {
    const isIndex = (file: string): boolean => /\/index\.tsx?$/.test(file) && !/^packages\/[a-z]+\/src\/index\.ts$/.test(file);
    expect(workspaces.flatMap((folder) => codeBelow(folder)).filter(isIndex)).toEqual([]);
  });

  it('of tests are sentences about what happens, without "should"', () => {
    const bad = codeBelow('.')
      .filter((file) => /\.(test|cy)\.tsx?$/.test(file))
      .flatMap((file) =>
        [...textOf(file).matchAll(/\b(?:it|test)(?:\.each\([^)]*\))?\(\s*['"`]([^'"`]*)/g)].map(([, title = '']) => `${file}: ${title}`),
      )
      .filter((title) => /: (should\b|works\b|\d)/i.test(title) || !/\s/.test(title.split(': ')[1] ?? ''));
    expect(bad).toEqual([]);
  });
});

it('.tsx files are in web only, and no TypeScript comment switches a check off', () => {
  const elsewhere = codeBelow('.').filter((file) => file.endsWith('.tsx') && !file.startsWith('web/') && !file.startsWith('e2e/'));
  const switched = codeBelow('.').filter(
    (file) => /(@ts-(ignore|expect-error|nocheck)|eslint-disable)\b/.test(textOf(file)) && !file.startsWith('tools/rules/'),
  );
  expect([...elsewhere, ...switched]).toEqual([]);
});

it('settings are written whole, each in one file that defines it', () => {
  const setting = /^[A-Z]+(_[A-Z0-9]+)+$/;
  const defining = [...codeBelow('services'), ...codeBelow('packages/service')].filter(
    (file) => !isTest(file) && /\/(config|shared-settings)\.ts$/.test(file),
  );
  const defined = defining.flatMap((file) => [...new Set(stringsOf(file))].filter((text) => setting.test(text)));
  expect(defined.filter((name, index) => defined.indexOf(name) !== index)).toEqual([]);
});
