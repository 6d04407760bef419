/**
 * Images from outside: built twice, looked into, pushed to a private registry, fetched from it, run.
 *   npm run test:images -- [--registry 127.0.0.1:5000/kinora] [--user kinora] [--password kinora] [--file deploy/compose/stand-ins.yaml]
 *     [--second-engine unix:///var/run/second.sock]
 * Long because it is one walk: each step goes on with what the step before has built.
 * `--quick` leaves out what takes longest, the builds without a cache. Works on clones of HEAD; the images of this engine are the same afterwards.
 * `--second-engine`, an engine without our images, has to run what this one has published, too; servers it cannot pull have to be there.
 */
import assert from 'node:assert/strict';
import { appendFile, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { attempt, command, docker, root, type Outcome } from './command.ts';
import { eventually, freePort } from './installation.ts';
import { ffmpegPath } from './player.ts';
import { walk, type Step } from './steps.ts';

const { values: flags } = parseArgs({
  options: {
    registry: { type: 'string', default: '127.0.0.1:5000/kinora' },
    user: { type: 'string', default: 'kinora' },
    password: { type: 'string', default: 'kinora' },
    file: { type: 'string', multiple: true, default: ['deploy/compose/stand-ins.yaml'] },
    'second-engine': { type: 'string' },
    quick: { type: 'boolean', default: false },
  },
});

const services = ['accounts', 'catalog', 'gateway', 'streaming', 'transcoding', 'uploads'];
const largestLayerBytes = 25_000_000;
const folder = await mkdtemp(path.join(os.tmpdir(), 'kinora-images-'));
const first = path.join(folder, 'first');
const second = path.join(folder, 'deeper', 'second');
const setFile = path.join(folder, 'deployed-set.json');
const home = path.join(folder, 'home');

/** A clone of what is checked out at `source`; with `umask` its files have other modes, as on another machine. */
async function clone(source: string, target: string, umask: string): Promise<void> {
  await mkdir(path.dirname(target), { recursive: true });
  await command('bash', ['-c', `umask ${umask} && git clone --quiet --no-hardlinks "$1" "$2"`, 'clone', source, target]);
}

const credentials = { KINORA_REGISTRY_USER: flags.user, KINORA_REGISTRY_PASSWORD: flags.password };

function tool(checkout: string, script: string, args: readonly string[], env: Record<string, string> = {}): Promise<Outcome> {
  return attempt(process.execPath, [path.join(checkout, 'tools', script), ...args], { cwd: checkout, env });
}

async function images(checkout: string, args: readonly string[], env: Record<string, string> = {}): Promise<string> {
  const { status, said } = await tool(checkout, 'images.js', args, env);
  assert.equal(status, 0, said);
  return said;
}

interface Image {
  readonly Id: string;
  readonly Created: string;
  readonly RepoTags: readonly string[];
  readonly Config: { readonly User: string; readonly Labels: Readonly<Record<string, string>>; readonly Healthcheck?: unknown };
}

const inspect = async (reference: string, env: Record<string, string> = {}): Promise<Image> =>
  (JSON.parse(await command('docker', ['image', 'inspect', reference], { env })) as Image[])[0] as Image;
const local = (service: string): string => `kinora/${service}:latest`;

/** Bytes that the service itself adds to the base. */
async function ownLayerBytes(service: string): Promise<number> {
  const history = await docker('history', '--no-trunc', '--human=false', '--format', '{{.Size}} {{.CreatedBy}}', local(service));
  return Number(/^(\d+) COPY \/layer\//m.exec(history)?.[1]);
}

const runIn = (service: string, ...words: string[]): Promise<string> =>
  docker('run', '--rm', '--read-only', '--cap-drop', 'ALL', '--network', 'none', local(service), ...words);

const inside = (service: string, script: string): Promise<string> => runIn(service, 'bash', '-c', script);

/** Loads every package that any of our sources in an image names, wherever in them; prints how many. */
const loadEverything = `
  import { globSync, readFileSync } from 'node:fs';
  import { stripTypeScriptTypes } from 'node:module';
  import { pathToFileURL } from 'node:url';
  const loaded = new Set();
  for (const file of globSync('/kinora/{packages,services}/*/src/**/*.ts')) {
    const code = stripTypeScriptTypes(readFileSync(file, 'utf8'));
    for (const [, name] of code.matchAll(/\\b(?:from\\s*|import\\s*\\(?\\s*)['"]([@a-z][^'"]*)['"]/g)) {
      const url = import.meta.resolve(name, pathToFileURL(file).href);
      if (url.startsWith('node:') || loaded.has(url)) continue;
      await import(url);
      loaded.add(url);
    }
  }
  console.log([...loaded].join('\\n'));
`;

/** Services whose images are to be built anew for what `checkout` holds. */
async function changed(checkout: string): Promise<string[]> {
  const said = await images(checkout, ['list']);
  return services.filter((service) => new RegExp(`^${service} .*changed since$`, 'm').test(said));
}

interface Manifest {
  readonly name: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

/** Whether a workspace needs another, directly or not, by the manifests alone. */
async function needs(workspace: string, wanted: string): Promise<boolean> {
  const { dependencies = {} } = JSON.parse(await readFile(path.join(first, workspace, 'package.json'), 'utf8')) as Manifest;
  const own = Object.keys(dependencies).flatMap((name) => (name.startsWith('@kinora/') ? [name.slice('@kinora/'.length)] : []));
  if (own.includes(wanted)) return true;
  return (await Promise.all(own.map((name) => needs(`packages/${name}`, wanted)))).some(Boolean);
}

async function withChange<T>(file: string, use: () => Promise<T>): Promise<T> {
  await appendFile(path.join(first, file), '\n// a change\n');
  try {
    return await use();
  } finally {
    await command('git', ['checkout', '--quiet', '--', file], { cwd: first });
  }
}

const builtIds = new Map<string, { readonly id: string; readonly tags: readonly string[] }>();
const containerName = `kinora-test-${process.pid}`;
const project = `kinora-set-${process.pid}`;

/** Shell blocks of a document, in order. */
async function blocksOf(document: string): Promise<string[]> {
  const text = await readFile(path.join(first, document), 'utf8');
  return [...text.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, block = '']) => block);
}

const built: readonly Step[] = [
  {
    title: 'the images of a clean checkout are built, and a second time nothing is',
    async run() {
      await clone(root, first, '022');
      await images(first, ['build']);
      assert.match(await images(first, ['build']), /^0 of 6 built\.$/m);
      assert.deepEqual(await changed(first), []);
    },
  },
  {
    title: flags.quick ? 'a second clone is made' : 'two builds of one commit, in two folders and without a cache, give one digest',
    async run() {
      await clone(first, second, '077');
      for (const service of flags.quick ? [] : ['gateway', 'transcoding']) {
        await images(first, ['build', '--force', '--service', service]);
        const before = (await inspect(local(service))).Id;
        await images(second, ['build', '--force', '--service', service]);
        assert.equal((await inspect(local(service))).Id, before, service);
      }
    },
  },
  {
    title: 'a change is built where it counts: in one service, in those that use a package, in none for a test',
    async run() {
      assert.deepEqual(await withChange('services/catalog/src/service.ts', () => changed(first)), ['catalog']);
      assert.deepEqual(await withChange('web/src/main.tsx', () => changed(first)), ['gateway']);
      assert.deepEqual(await withChange('services/catalog/README.md', () => changed(first)), []);
      assert.deepEqual(await withChange('packages/blobs/test/conformance.ts', () => changed(first)), []);
      const dependents = await Promise.all(services.map((service) => needs(`services/${service}`, 'blobs')));
      const expected = services.filter((_service, index) => dependents[index]);
      assert.deepEqual(await withChange('packages/blobs/src/port.ts', () => changed(first)), expected);
    },
  },
];

const lookedInto: readonly Step[] = [
  {
    title: `every image runs as nobody special, says what it is, and its own layer is at most ${largestLayerBytes / 1e6} MB`,
    async run() {
      for (const service of services) {
        const { Config, Created, Id, RepoTags } = await inspect(local(service));
        builtIds.set(service, { id: Id, tags: RepoTags });
        const { Labels, User, Healthcheck } = Config;
        const bytes = await ownLayerBytes(service);
        process.stdout.write(`        ${service.padEnd(12)} ${(bytes / 1e6).toFixed(1)} MB\n`);
        assert.ok(bytes <= largestLayerBytes, `${service}: ${bytes} bytes`);
        assert.equal(User, '1000:1000');
        assert.ok(Healthcheck, service);
        const revision = Labels['org.opencontainers.image.revision'] ?? '';
        await command('git', ['diff', '--exit-code', '--stat', revision, 'HEAD', '--', `services/${service}/src`, 'packages/*/src'], {
          cwd: first,
        });
        assert.equal(Labels['org.opencontainers.image.licenses'], 'Apache-2.0');
        assert.equal(Date.parse(Labels['org.opencontainers.image.created'] ?? ''), Date.parse(Created));
      }
    },
  },
  {
    title: 'no image holds what its service does not need',
    async run() {
      const unwanted = `find /kinora \\( -name '*.d.ts' -o -name '*.map' -o -name '*.test.ts' -o -path '*/msal-browser' -o -path '*/node_modules/node' -o -name '*-installer' -o -name typescript -o -name jest \\)`;
      for (const service of services) {
        assert.equal(await inside(service, unwanted), '', service);
        assert.equal(await inside(service, 'ls /kinora/services'), `${service}\n`);
        const hasProgram = (await inside(service, 'command -v ffmpeg ffprobe || true')) !== '';
        assert.equal(hasProgram, service === 'transcoding', `ffmpeg in ${service}`);
        const hasWeb = (await inside(service, 'ls /kinora/web/dist/index.html 2>/dev/null || true')) !== '';
        assert.equal(hasWeb, service === 'gateway', `the web app in ${service}`);
      }
    },
  },
  {
    title: 'every image can load each package that its sources name, drivers that are loaded late among them',
    async run() {
      for (const service of services) {
        const flagsOfNode = ['--disable-warning=ExperimentalWarning', '--experimental-import-meta-resolve', '--input-type=module'];
        const loaded = await runIn(service, 'node', ...flagsOfNode, '--eval', loadEverything);
        for (const name of ['mongodb', 'amqplib', '@aws-sdk/client-s3', '@azure/storage-blob', '@azure/identity'])
          assert.ok(loaded.includes(`/node_modules/${name}/`), `${name} in ${service}:\n${loaded}`);
      }
      await inside('transcoding', 'ffmpeg -v error -f lavfi -i testsrc2=duration=1 -c:v libx264 -f null - && ffprobe -version');
    },
  },
];

/** Digests of the set that was pushed. */
const pushed = async (): Promise<Record<string, string>> =>
  (JSON.parse(await readFile(setFile, 'utf8')) as { images: Record<string, string> }).images;

/** Starts the set from `checkout` on the engine of `engine`: its six images run, and the set-up page waits for its first admin. */
async function runSet(checkout: string, engine: Record<string, string>): Promise<void> {
  const port = await freePort();
  const env = { ...engine, KINORA_ENV_FILE: `${checkout}.env`, PORT: String(port) };
  const files = flags.file.flatMap((file) => ['--file', file]);
  const { status, said } = await tool(checkout, 'up.js', ['--project', project, '--set', setFile, ...files], env);
  assert.equal(status, 0, said);
  const labelled = `label=com.docker.compose.project=${project}`;
  const running = await command('docker', ['ps', '--filter', labelled, '--format', '{{.Image}}'], { env: engine });
  assert.equal(running.split('\n').filter((image) => image.startsWith(`${flags.registry}/`)).length, services.length);
  assert.ok((await fetch(`http://localhost:${port}/health/ready`)).ok);
  const { needsSetup } = (await (await fetch(`http://localhost:${port}/api/setup`)).json()) as { needsSetup: boolean };
  assert.ok(needsSetup);
}

const published: readonly Step[] = [
  {
    title: 'a wrong password is refused in a plain sentence, and nothing is pushed',
    async run() {
      const env = { ...credentials, KINORA_REGISTRY_PASSWORD: 'wrong', HOME: home };
      const { status, said } = await tool(first, 'images.js', ['push', '--registry', flags.registry, '--set', setFile], env);
      assert.equal(status, 1);
      assert.match(said, /^The registry \S+ refuses this user and password\.$/m);
      assert.ok(!existsSync(setFile));
    },
  },
  {
    title: 'push writes a set of digests and leaves no login behind',
    async run() {
      await images(first, ['push', '--registry', flags.registry, '--set', setFile], { ...credentials, HOME: home });
      const set = JSON.parse(await readFile(setFile, 'utf8')) as { version: string; images: Record<string, string> };
      assert.deepEqual(Object.keys(set.images), services);
      for (const image of Object.values(set.images)) assert.match(image, /@sha256:[0-9a-f]{64}$/);
      assert.ok(!existsSync(path.join(home, '.docker', 'config.json')));
    },
  },
  {
    title: 'after all of them are removed, pull brings exactly the same images back',
    async run() {
      const ids = [...builtIds.values()].map(({ id }) => id);
      await docker('image', 'rm', '--force', ...ids);
      const wanted = await pushed();
      for (const image of Object.values(wanted)) assert.notEqual((await attempt('docker', ['image', 'inspect', image])).status, 0);
      await images(first, ['pull', '--set', setFile], { ...credentials, HOME: home });
      for (const [service, image] of Object.entries(wanted)) {
        assert.equal((await inspect(image)).Id, builtIds.get(service)?.id, service);
        for (const tag of builtIds.get(service)?.tags ?? []) await docker('image', 'tag', image, tag);
      }
    },
  },
  {
    title: 'npm run up -- --set starts the images of the set',
    async run() {
      await runSet(first, {});
    },
  },
];

/** Whose engine knows nothing of this one but the set and the registry. */
const elsewhere = (DOCKER_HOST: string): Step => ({
  title: 'another engine, which has none of them, pulls exactly the same images and starts them',
  async run() {
    const ours = await command('docker', ['image', 'ls', '--format', '{{.Repository}}'], { env: { DOCKER_HOST } });
    assert.doesNotMatch(ours, /^(?:\S+\/)?kinora\/\w+$/m);
    await images(second, ['pull', '--set', setFile], { ...credentials, HOME: home, DOCKER_HOST });
    for (const [service, image] of Object.entries(await pushed()))
      assert.equal((await inspect(image, { DOCKER_HOST })).Id, builtIds.get(service)?.id, service);
    await runSet(second, { DOCKER_HOST });
  },
});

const alone: readonly Step[] = [
  {
    title: 'docs/streaming-alone.md does what it says, command by command',
    async run() {
      const port = await freePort();
      // The page has ffmpeg on PATH, the port to itself, and the name too.
      const bin = path.join(folder, 'bin');
      await mkdir(bin);
      await symlink(path.resolve(ffmpegPath), path.join(bin, 'ffmpeg')).catch(() => undefined);
      const here = (block: string): string =>
        block
          .replaceAll('3000:3000', `${port}:3000`)
          .replaceAll('localhost:3000', `localhost:${port}`)
          .replaceAll(/(--name |docker logs |docker rm -f |docker stop |docker rm |}}' )streaming\b/g, `$1${containerName}`);
      const run = (block: string): Promise<string> =>
        command('bash', ['-euo', 'pipefail', '-c', here(block)], {
          cwd: first,
          env: { PATH: `${bin}:${process.env['PATH'] ?? ''}`, DOCKER_BUILDKIT: '1' },
        });
      const [clip, build, start, lock, seek, end, ...more] = await blocksOf('docs/streaming-alone.md');
      assert.ok(clip && build && start && lock && seek && end && more.length === 0, 'the page has six blocks');
      await run(clip);
      await run(build);
      await run(start);
      await eventually('the log to say so', 30_000, async () => {
        const said = await docker('logs', containerName);
        return said.includes('a folder of videos is open to anybody') && said.includes('"ready"') ? true : undefined;
      });
      await run(lock);
      const answer = await run(seek);
      assert.match(answer, /^HTTP\/1\.1 206 Partial Content\r?$/m);
      assert.match(answer, /^content-range: bytes 100000-100999\/\d+\r?$/m);
      const url = `http://127.0.0.1:${port}`;
      assert.match(await (await fetch(url)).text(), /<video controls [^>]*src="\/videos\/clip\.mp4">/);
      await command(path.join(bin, 'ffmpeg'), [
        '-v',
        'error',
        '-ss',
        '15',
        '-i',
        `${url}/videos/clip.mp4`,
        '-frames:v',
        '1',
        '-f',
        'null',
        '-',
      ]);
      await eventually('it to be healthy', 60_000, async () =>
        (await docker('inspect', '--format', '{{.State.Health.Status}}', containerName)).trim() === 'healthy' ? true : undefined,
      );
      assert.deepEqual(
        (await run(end)).split('\n').filter((line) => line !== containerName && line !== ''),
        ['healthy', '0'],
      );
    },
  },
];

async function cleanUp(): Promise<void> {
  await docker('rm', '--force', containerName).catch(() => '');
  const { 'second-engine': other } = flags;
  for (const engine of other === undefined ? [{}] : [{}, { DOCKER_HOST: other }]) {
    await tool(first, 'down.js', ['--project', project, '--volumes', '--yes'], engine);
    const fetched = existsSync(setFile) ? Object.values(await pushed()) : [];
    for (const image of fetched) await attempt('docker', ['image', 'rm', image], { env: engine });
  }
  // The page has built an image under the name that the commands use.
  if (existsSync(first)) await images(first, ['build']);
  await rm(folder, { recursive: true, force: true });
  const left = await docker('ps', '--all', '--quiet', '--filter', `label=com.docker.compose.project=${project}`);
  assert.equal(left, '');
}

const others = flags['second-engine'] === undefined ? [] : [elsewhere(flags['second-engine'])];
await mkdir(home);
await writeFile(path.join(home, '.keep'), '');
process.exitCode = (await walk([...built, ...lookedInto, ...published, ...others, ...alone], cleanUp)) ? 0 : 1;
