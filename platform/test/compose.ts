/**
 * The whole platform in containers, from outside: brought up by `npm run up`, watched, taken apart, brought up again.
 *   npm run test:compose -- [--file deploy/compose/stand-ins.yaml] [--compose "docker compose"] [--compose docker-compose]
 * `--no-build` takes the images of the last build. It has a project, a port and secrets of its own, and leaves nothing behind. `--compose` names the programs that have to work; without
 * it those that are here do.
 */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat, utimes } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Client } from './client.ts';
import { attempt, command, docker, root } from './command.ts';
import { admin, eventually, freePort } from './installation.ts';
import { makeClip, playAll } from './player.ts';
import { walk, type Step } from './steps.ts';

const { values: flags } = parseArgs({
  options: {
    file: { type: 'string', multiple: true, default: ['deploy/compose/stand-ins.yaml'] },
    compose: { type: 'string', multiple: true },
    'no-build': { type: 'boolean' },
  },
});

const seconds = 6;
const rate = 30;
const services = ['accounts', 'catalog', 'gateway', 'streaming', 'transcoding', 'uploads'];

interface Inspected {
  readonly Name: string;
  readonly Config: { readonly User: string; readonly Labels: Readonly<Record<string, string>> };
  readonly State: { readonly ExitCode: number; readonly Status: string; readonly StartedAt: string };
  readonly HostConfig: {
    readonly ReadonlyRootfs: boolean;
    readonly CapDrop: readonly string[] | null;
    readonly SecurityOpt: readonly string[] | null;
    readonly Memory: number;
    readonly RestartPolicy: { readonly Name: string };
  };
  readonly NetworkSettings: { readonly Ports: Readonly<Record<string, unknown>> };
}

/** What one run works on. */
interface Stage {
  readonly project: string;
  readonly folder: string;
  readonly port: number;
  readonly url: string;
  readonly programs: readonly string[];
}

async function runnable(program: string): Promise<boolean> {
  const [name = '', ...args] = program.split(' ');
  return (await attempt(name, [...args, 'version']).catch(() => ({ status: 1 }))).status === 0;
}

async function openStage(): Promise<Stage> {
  const wanted = flags.compose ?? ['docker compose', 'docker-compose'];
  const here = await Promise.all(wanted.map(runnable));
  const missing = wanted.filter((_program, index) => !here[index]);
  const programs = wanted.filter((_program, index) => here[index]);
  if (programs.length === 0 || (flags.compose && missing.length > 0)) throw new Error(`${missing.join(' and ')} do not run here`);
  process.stdout.write(`With ${programs.join(' and ')}${missing.length > 0 ? `; not here: ${missing.join(', ')}` : ''}\n`);
  const port = await freePort();
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kinora-compose-'));
  return { project: `kinora-test-${port}`, folder, port, url: `http://localhost:${port}`, programs };
}

function openCommands({ project, folder, port, programs }: Stage) {
  const run = (script: string, args: readonly string[], program = programs[0] ?? '', checkout = root): Promise<string> =>
    command(process.execPath, [path.join(checkout, 'tools', script), '--project', project, ...args], {
      env: { KINORA_ENV_FILE: path.join(folder, 'env'), KINORA_COMPOSE: program, PORT: String(port) },
    });
  const files = flags.file.flatMap((file) => ['--file', file]);
  return {
    up: (args: readonly string[] = [], program?: string, checkout?: string) =>
      run('up.js', [...files, ...(flags['no-build'] ? ['--no-build'] : []), ...args], program, checkout),
    down: (args: readonly string[] = [], program?: string) => run('down.js', args, program),
  };
}

const labelled = (project: string): string => `label=com.docker.compose.project=${project}`;

async function containers(project: string, service?: string): Promise<Inspected[]> {
  const ids = (await docker('ps', '--all', '--quiet', '--filter', labelled(project))).split('\n').filter(Boolean);
  const all = ids.length === 0 ? [] : (JSON.parse(await docker('inspect', ...ids)) as Inspected[]);
  return all.filter(({ Config: { Labels } }) => service === undefined || Labels['com.docker.compose.service'] === service);
}

async function one(project: string, service: string): Promise<Inspected> {
  const [found, ...more] = await containers(project, service);
  if (!found || more.length > 0) throw new Error(`${service} has ${more.length + (found ? 1 : 0)} containers`);
  return found;
}

/** Uploads `clip` as a new video and waits until all of it is there. */
async function publish(client: Client, title: string, clip: Buffer): Promise<string> {
  const { videoId } = await client.createVideo(title);
  const { upload, done } = client.upload(videoId, clip, { chunkSize: 100_000 });
  upload.start();
  await done;
  await eventually(`${title} to be watchable`, 120_000, async () =>
    (await client.fetch(`/api/videos/${videoId}/playback`)).ok ? true : undefined,
  );
  await eventually(`${title} to be ready`, 300_000, async () => {
    const { asset } = await client.video(videoId);
    if (asset?.state === 'failed') throw new Error(`${title} failed: ${JSON.stringify(asset.failure)}`);
    return asset?.state === 'ready' ? true : undefined;
  });
  return videoId;
}

/** Fetches every playlist and segment; every picture of the clip has to be in every rendition. */
async function playWhole(manifest: string): Promise<void> {
  const renditions = await playAll(manifest);
  assert.ok(
    renditions.some(({ isAudio }) => !isAudio),
    'there is a picture',
  );
  for (const { isAudio, isEnded, frames, uri } of renditions) {
    assert.ok(isEnded, `${uri} has an end`);
    if (!isAudio) assert.equal(frames, seconds * rate, `frames of ${uri}`);
  }
}

const stage = await openStage();
const { project, url, folder, programs } = stage;
const { up, down } = openCommands(stage);
const clipFile = path.join(folder, 'clip.mp4');
let clip: Buffer;
let client: Client;
let manifest: string;
let before: unknown;

const steps: readonly Step[] = [
  {
    title: `npm run up starts everything with ${programs[0]}, and its code makes the first admin`,
    async run() {
      const said = await up();
      assert.match(said, new RegExp(`^Kinora is ready: ${url}$`, 'm'));
      const code = /enter the code (\S+) to make the first admin/.exec(said)?.[1];
      const { email, password, name } = admin;
      const body = JSON.stringify({ code, email, password, name });
      const answer = await fetch(`${url}/api/setup`, { method: 'POST', body, headers: { 'content-type': 'application/json' } });
      assert.ok(answer.ok, `set-up answered ${answer.status}: ${await answer.text()}`);
      client = await Client.signIn(url, admin);
    },
  },
  {
    title: 'secrets are in a file that nobody else can read',
    async run() {
      const file = path.join(folder, 'env');
      assert.equal((await stat(file)).mode & 0o777, 0o600);
      assert.match(await readFile(file, 'utf8'), /^PLAYBACK_SECRET=[0-9a-f]{64}$/m);
    },
  },
  {
    title: 'only the gateway can be reached, and every container is locked in',
    async run() {
      const all = await containers(project);
      assert.equal(all.length, services.length + 3);
      const published = all.filter(({ NetworkSettings: { Ports } }) => Object.values(Ports).some(Boolean));
      assert.deepEqual(
        published.map(({ Config }) => Config.Labels['com.docker.compose.service']),
        ['gateway'],
      );
      for (const { Name, Config, HostConfig } of all) {
        assert.ok(HostConfig.Memory > 0, `${Name} has a memory limit`);
        assert.equal(HostConfig.RestartPolicy.Name, 'unless-stopped', Name);
        assert.deepEqual(HostConfig.CapDrop, ['ALL'], Name);
        assert.ok(HostConfig.SecurityOpt?.includes('no-new-privileges:true'), Name);
        if (!services.includes(Config.Labels['com.docker.compose.service'] ?? '')) continue;
        assert.equal(Config.User, '1000:1000', Name);
        assert.ok(HostConfig.ReadonlyRootfs, Name);
      }
    },
  },
  {
    title: 'a video is taken, encoded and played',
    async run() {
      await makeClip(clipFile, { seconds, rate, size: '640x360' });
      clip = await readFile(clipFile);
      const videoId = await publish(client, 'In containers', clip);
      manifest = new URL((await client.playback(videoId)).manifestUrl, url).href;
      await playWhole(manifest);
    },
  },
  {
    title: 'with catalog stopped the video plays on, people stay signed in, and only the list is away',
    async run() {
      const { Name } = await one(project, 'catalog');
      await docker('stop', Name.slice(1));
      assert.equal((await one(project, 'catalog')).State.ExitCode, 0);
      await playWhole(manifest);
      assert.equal((await client.fetch('/api/me')).status, 200);
      assert.equal((await client.fetch('/api/videos')).status, 503);
      await docker('start', Name.slice(1));
      await eventually('the list to be back', 60_000, async () => ((await client.fetch('/api/videos')).ok ? true : undefined));
    },
  },
  {
    title: 'two containers of transcoding share the work',
    async run() {
      await up(['--scale', 'transcoding=2']);
      assert.equal((await containers(project, 'transcoding')).length, 2);
      await publish(client, 'Scaled', clip);
    },
  },
  {
    title: 'every service ends with status 0 on SIGTERM',
    async run() {
      const own = (await containers(project)).filter(({ Config }) => services.includes(Config.Labels['com.docker.compose.service'] ?? ''));
      before = await client.json('/api/videos');
      await docker('stop', ...own.map(({ Name }) => Name.slice(1)));
      const ended = (await containers(project)).filter(({ State }) => State.Status === 'exited');
      assert.deepEqual(
        ended.map(({ Name, State }) => [Name, State.ExitCode]),
        own.map(({ Name }) => [Name, 0]),
      );
    },
  },
  ...programs.map((program): Step => ({
    title: `down and up again with ${program} keep accounts, sessions, videos and addresses`,
    async run() {
      await down([], program);
      assert.deepEqual(await containers(project), []);
      await up([], program);
      assert.deepEqual(await client.json('/api/videos'), before);
      await playWhole(manifest);
    },
  })),
  {
    title: 'with --dev a change in a service starts that one anew and no other',
    async run() {
      // Of its own, for somebody may be writing in the other one.
      const checkout = path.join(folder, 'checkout');
      await command('git', ['clone', '--quiet', '--no-hardlinks', root, checkout]);
      await up(['--dev'], programs.at(-1), checkout);
      const restarts = async (service: string): Promise<number> =>
        (await docker('logs', (await one(project, service)).Name.slice(1))).split('\n').filter((line) => line.includes('"message":"ready"'))
          .length;
      const counts = async (): Promise<number[]> => Promise.all(services.map(restarts));
      const first = await counts();
      const now = new Date();
      await utimes(path.join(checkout, 'services', 'catalog', 'src', 'service.ts'), now, now);
      const second = await eventually('catalog to start anew', 60_000, async () => {
        const found = await counts();
        return found[1] === (first[1] ?? 0) + 1 ? found : undefined;
      });
      assert.deepEqual(
        second,
        first.map((count, index) => (index === 1 ? count + 1 : count)),
      );
      await eventually('the list to be back', 60_000, async () => ((await client.fetch('/api/videos')).ok ? true : undefined));
    },
  },
];

async function cleanUp(): Promise<void> {
  await down(['--volumes', '--yes']);
  await rm(folder, { recursive: true });
  const left = await Promise.all([
    docker('ps', '--all', '--quiet', '--filter', labelled(project)),
    docker('volume', 'ls', '--quiet', '--filter', labelled(project)),
    docker('network', 'ls', '--quiet', '--filter', labelled(project)),
  ]);
  assert.deepEqual(left, ['', '', '']);
}

process.exitCode = (await walk(steps, cleanUp)) ? 0 : 1;
