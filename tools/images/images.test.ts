import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { exists, foldersIn, root, services, textOf } from '../repository.ts';
import { settingsOf } from '../setting-tables.ts';
import { packageFolder } from './assemble.ts';
import { specifiersOf } from './trace.ts';

type Graph = Readonly<Record<string, object>>;
interface Modules {
  readonly resolve: (graph: Graph, from: string, name: string) => string | undefined;
  readonly closureOf: (graph: Graph, workspaces: string[], developed?: string[]) => { workspaces: string[]; packages: string[] };
  readonly inputsOf: (root: string, service: string) => { workspaces: string[]; files: string[]; packages: string[] };
  readonly digestOf: (root: string, service: string, base: string) => string;
  readonly sealedConfig: (config: object, instant: string) => { created: string; history: { created: string }[] };
  readonly readSet: (file: string) => { images: Record<string, string> };
  readonly hostOf: (repository: string) => string;
  readonly ensureSecrets: (file: string) => string[];
}

/** Commands are plain JavaScript, for they run before anything is installed. */
async function load<K extends keyof Modules>(file: string, name: K): Promise<Modules[K]> {
  const loaded = (await import(pathToFileURL(path.join(root, 'tools', file)).href)) as Modules;
  return loaded[name];
}

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), 'kinora-tools-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('the graph of package-lock.json', () => {
  const graph = {
    'services/a': { dependencies: { '@kinora/p': '1', x: '1' } },
    'packages/p': { dependencies: { y: '1' }, devDependencies: { d: '1' } },
    'node_modules/@kinora/p': { resolved: 'packages/p', link: true },
    'node_modules/x': { dependencies: { y: '2' }, peerDependencies: { absent: '1' } },
    'node_modules/x/node_modules/y': { optionalDependencies: { z: '1' } },
    'node_modules/y': {},
    'node_modules/z': {},
    'node_modules/d': {},
  };

  it('finds a package as Node does: beside whoever asks, then further up, through links', async () => {
    const resolve = await load('images/graph.js', 'resolve');
    expect(resolve(graph, 'node_modules/x', 'y')).toBe('node_modules/x/node_modules/y');
    expect(resolve(graph, 'packages/p', 'y')).toBe('node_modules/y');
    expect(resolve(graph, 'services/a', '@kinora/p')).toBe('packages/p');
    expect(resolve(graph, 'services/a', 'absent')).toBeUndefined();
  });

  it('gives all that a workspace is made of, and development dependencies only of what is built', async () => {
    const closureOf = await load('images/graph.js', 'closureOf');
    expect(closureOf(graph, ['services/a'])).toEqual({
      workspaces: ['packages/p', 'services/a'],
      packages: ['node_modules/x', 'node_modules/x/node_modules/y', 'node_modules/y', 'node_modules/z'],
    });
    expect(closureOf(graph, ['services/a'], ['packages/p']).packages).toContain('node_modules/d');
    expect(() => closureOf(graph, ['services/none'])).toThrow('services/none is not in package-lock.json');
  });
});

describe('the inputs of an image', () => {
  it('are the service, the packages it needs and the Dockerfile, without tests and documents; the web app only for the gateway', async () => {
    const inputsOf = await load('images/inputs.js', 'inputsOf');
    const { workspaces, files, packages } = inputsOf(root, 'catalog');
    expect(workspaces).toEqual(expect.arrayContaining(['packages/contracts', 'packages/service', 'services/catalog']));
    expect(files).toEqual(expect.arrayContaining(['deploy/docker/Dockerfile', 'services/catalog/src/main.ts', '.dockerignore']));
    expect(files.filter((file) => /\.test\.ts$|\/test\/|\.md$|node_modules/.test(file))).toEqual([]);
    expect(packages.some((line) => /^node_modules\/fastify \d\S+ sha512-/.test(line))).toBe(true);
    expect(files.some((file) => file.startsWith('web/'))).toBe(false);
    expect(inputsOf(root, 'gateway').files).toContain('web/index.html');
  });

  it('give another digest for another base and another service', async () => {
    const digestOf = await load('images/inputs.js', 'digestOf');
    const digests = [digestOf(root, 'catalog', 'a'), digestOf(root, 'catalog', 'b'), digestOf(root, 'streaming', 'a')];
    expect(new Set(digests).size).toBe(3);
    expect(digestOf(root, 'catalog', 'a')).toBe(digests[0]);
  });
});

describe('what Node can load from a file', () => {
  it('is named by imports of every kind and by require', () => {
    const { imported, required } = specifiersOf(
      `import a from 'a'; import "b"; export * from './c.ts'; const d = await import('d'); import.meta.resolve('e');import{f}from"f";
       require('g'); require.resolve("h");`,
    );
    expect(imported).toEqual(['a', 'b', './c.ts', 'd', 'e', 'f']);
    expect(required).toEqual(['g', 'h']);
  });

  it.each([
    ["path.join(__dirname, 'x')", true],
    ['new URL("x", import.meta.url)', true],
    ['require(name)', true],
    ['import(name)', true],
    ["require('x')", false],
    ["import('x')", false],
    ['// __dirname', false],
  ])('cannot be said of %s: %s', (code, isOpaque) => {
    expect(specifiersOf(code).isOpaque).toBe(isOpaque);
  });

  it('belongs to the package below the last node_modules, else to the workspace', () => {
    expect(packageFolder('node_modules/a/node_modules/@s/b/dist/x.js')).toBe('node_modules/a/node_modules/@s/b');
    expect(packageFolder('packages/blobs/src/file.ts')).toBe('packages/blobs');
  });
});

describe('an image that is sealed', () => {
  it('has the time of the commit in all its own steps, and nothing of the cache', async () => {
    const sealedConfig = await load('images/seal.js', 'sealedConfig');
    const config = {
      created: '2026-02-02T00:00:00Z',
      'moby.buildkit.cache.v0': 'x',
      history: [
        { created: '2025-01-01T00:00:00Z', created_by: 'the base' },
        { created: '2026-01-01T00:00:00Z', created_by: 'COPY /out/ / # buildkit' },
        { created: '2026-02-02T00:00:00Z', created_by: 'USER 1000:1000' },
      ],
    };
    const sealed = sealedConfig(config, '2026-01-31T00:00:00Z');
    expect(sealed).not.toHaveProperty(['moby.buildkit.cache.v0']);
    expect(sealed.created).toBe('2026-01-31T00:00:00Z');
    expect(sealed.history.map(({ created }) => created)).toEqual(['2025-01-01T00:00:00Z', sealed.created, sealed.created]);
    expect(() => sealedConfig({ history: [] }, sealed.created)).toThrow('no step');
  });

  it('begins with the first step of the last stage of the Dockerfile', () => {
    const last =
      textOf('deploy/docker/Dockerfile')
        .split(/^FROM .*$/m)
        .at(-1)
        ?.trim() ?? '';
    expect(last).toMatch(/^COPY --from=ffmpeg \/out\/ \/\nCOPY --from=layer \/layer\/ \/\n/);
  });
});

describe('a deployed set', () => {
  it.each([
    ['no JSON', '{'],
    ['no images', '{}'],
    ['an image by tag', '{"images":{"catalog":"h/catalog:1"}}'],
    ['a strange name', `{"images":{"../x":"h/x@sha256:${'0'.repeat(64)}"}}`],
  ])('is refused with %s', async (_what, text) => {
    const readSet = await load('images/deployed-set.js', 'readSet');
    await writeFile(path.join(folder, 'set.json'), text);
    expect(() => readSet(path.join(folder, 'set.json'))).toThrow('is no deployed set');
  });

  it('names every image by digest', async () => {
    const readSet = await load('images/deployed-set.js', 'readSet');
    const images = { catalog: `127.0.0.1:5000/k/catalog@sha256:${'a'.repeat(64)}` };
    await writeFile(path.join(folder, 'set.json'), JSON.stringify({ images }));
    expect(readSet(path.join(folder, 'set.json')).images).toEqual(images);
  });
});

it.each([
  ['127.0.0.1:5000/kinora/catalog', '127.0.0.1:5000'],
  ['registry.example.com/kinora', 'registry.example.com'],
  ['localhost/kinora', 'localhost'],
  ['someone/kinora', 'docker.io'],
])('the registry of %s is %s', async (repository, host) => {
  expect((await load('images/registry.js', 'hostOf'))(repository)).toBe(host);
});

it('secrets are made once, and what a person has written stays', async () => {
  const ensureSecrets = await load('compose/secrets.js', 'ensureSecrets');
  await mkdir(path.join(folder, 'env'));
  const file = path.join(folder, 'env', '.env');
  await writeFile(file, 'PORT=80\nPLAYBACK_SECRET=mine and nobody else’s');
  expect(ensureSecrets(file)).not.toContain('PLAYBACK_SECRET');
  expect(ensureSecrets(file)).toEqual([]);
});

describe('compose.yaml', () => {
  const text = textOf('compose.yaml');
  const blockOf = (service: string): string => new RegExp(`^  ${service}:\\n((?: {4}.*\\n|\\n)+)`, 'm').exec(text)?.[1] ?? '';
  // A folder of videos is for the service alone.
  const outside = ['STREAMING_FOLDER'];
  // In the image they are where they are looked for.
  const built = ['GATEWAY_WEB_DIR', 'TRANSCODING_FFMPEG_PATH', 'TRANSCODING_FFPROBE_PATH'];

  it.each(services())('hands every setting on to %s', async (service) => {
    const names = (await settingsOf(service)).map(({ name }) => name);
    const block = blockOf(service);
    expect(names.filter((name) => ![...outside, ...built].includes(name) && !block.includes(`      ${name}:`))).toEqual([]);
    expect(block).toContain(`args: { SERVICE: ${service} }`);
    expect(text).toContain(`  ${service.toUpperCase()}_URL: http://${service}:3000\n`);
  });

  it('has no service that is not there', () => {
    const named = [...text.matchAll(/SERVICE: (\w+)/g)].map(([, name = '']) => name);
    expect(named.sort()).toEqual(foldersIn('services').filter((name) => exists(`services/${name}/src/main.ts`)));
  });

  it('and its overrides give documents to the same services', () => {
    const given = services().filter((service) => blockOf(service).includes('*documents'));
    const standIns = textOf('deploy/compose/stand-ins.yaml');
    expect([...standIns.matchAll(/^ {2}(\w+): \*documents$/gm)].map(([, name = '']) => name).sort()).toEqual(given);
  });
});
