/** `npm run migrate` from one folder to another, with an installation that people use. */
import { existsSync, readdirSync } from 'node:fs';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId } from '@kinora/contracts';
import { newEnvelope } from '@kinora/messaging';
import { eventually, Installation } from '../../../platform/test/installation.ts';
import { embeddedPorts } from '../../../platform/test/ports.ts';
import { makeFolders, type Folders } from './folders.ts';
import { expectPlays, expectSame, live, signIn, type Belongings } from './lived-in.ts';
import { report, run, start } from './tool.ts';

let folders: Folders;
let old: Installation;
let next: Installation;
let belongings: Belongings;
let title = '';
const extraBlobs = 300;
const extraDocuments = 2_000;

const one = { shape: 'one' } as const;
const args = (...more: string[]): string[] => ['--from', old.dataDir, '--to', next.dataDir, ...more];
const reportFile = (): string => folders.path('report.json');

/** What a larger installation has more of, written beside the services. */
async function fill(): Promise<void> {
  const { ports } = folders.place(path.relative(folders.path(), old.dataDir));
  const views = ports.collection('catalog', 'views');
  await views.insertMany(
    Array.from({ length: extraDocuments }, () => ({
      _id: newId(),
      version: 0,
      viewCount: 1,
      trendingScore: 1,
      playbackIds: ['x'.repeat(500)],
    })),
  );
  const assetId = newId();
  for (let n = 0; n < extraBlobs; n++) await ports.blobs().put(`assets/${assetId}/v90/${n}.m4s`, Buffer.alloc(2_000, String(n)));
  await ports.close();
}

beforeAll(async () => {
  folders = await makeFolders();
  old = await Installation.create({}, one);
  next = await Installation.create({}, one);
  await old.start({ direct: true });
  belongings = await live(old);
  await fill();
});
afterAll(async () => {
  await old.remove();
  await next.remove();
  await folders.remove();
});

describe('before anything is written', () => {
  it('a dry run counts what there is and leaves the target as it was', async () => {
    const said = await report(reportFile(), args('--dry-run'));
    expect(said).toMatchObject({ mode: 'dry-run', result: 'possible', remarks: [] });
    expect(said.collections.find(({ collection }) => collection === 'catalog.videos')).toMatchObject({ documents: 2, differing: 2 });
    expect(said.blobs?.blobs).toBeGreaterThan(extraBlobs);
    expect(readdirSync(next.dataDir)).toEqual([]);
  });

  it('a target that holds something else is refused, and stays as it was', async () => {
    const other = folders.path('other');
    await mkdir(path.join(other, 'blobs', 'assets'), { recursive: true });
    await writeFile(path.join(other, 'blobs', 'assets', 'mine'), 'mine');
    for (const mode of [[], ['--dry-run']]) {
      const { status, output } = await run(['--from', old.dataDir, '--to', other, ...mode]);
      expect(output).toContain('is not empty: it has blobs (assets/mine, …)');
      expect(status).toBe(1);
    }
    expect(readdirSync(other)).toEqual(['blobs']);
    expect(await readFile(path.join(other, 'blobs', 'assets', 'mine'), 'utf8')).toBe('mine');
  });

  it('a source without an installation is refused', async () => {
    const { status, output } = await run(['--from', folders.path('nothing'), '--to', next.dataDir]);
    expect(output).toContain('holds no installation');
    expect(status).toBe(1);
  });
});

describe('copying while the old installation runs', () => {
  const blobsThere = (): number => {
    const folder = path.join(next.dataDir, 'blobs');
    return existsSync(folder) ? readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).length : 0;
  };

  const emptyTarget = async (): Promise<void> => {
    for (const folder of ['documents', 'blobs']) await rm(path.join(next.dataDir, folder), { recursive: true, force: true });
  };
  /** Copies until `stage` blobs are there, and ends the command; once more when it was done before the signal came. Gives what it printed. */
  const endInTheMiddle = async (stage: number, signal: 'SIGINT' | 'SIGKILL'): Promise<string> => {
    for (;;) {
      const { child, ended, output } = start(args());
      await eventually(`${stage} blobs to be there`, 60_000, async () => (blobsThere() >= stage ? true : undefined));
      child.kill(signal);
      const status = await ended;
      if (status !== 0) {
        expect({ status, output: output() }).toMatchObject({ status: signal === 'SIGINT' ? 1 : null });
        return output();
      }
      await emptyTarget();
    }
  };

  it('goes on after it was killed, wherever it was', async () => {
    for (const stage of [0, 1, 40, 120, 250]) await endInTheMiddle(stage, 'SIGKILL');
    const client = await signIn(old);
    const { videoId } = await client.createVideo('Made in the middle');
    const said = await report(reportFile(), args());
    expect(said).toMatchObject({ result: 'copied', unfinishedUploads: { uploads: 1, restarted: 0 } });
    await client.fetch(`/api/videos/${videoId}`, { method: 'DELETE' });
  });

  it('stops when it is told to, and says how to go on', async () => {
    await emptyTarget();
    expect(await endInTheMiddle(1, 'SIGINT')).toContain('Stopped. Run the same command to go on.');
    expect(await report(reportFile(), args())).toMatchObject({ result: 'copied' });
  });

  it('refuses the last step while services run, and says which', async () => {
    const { status, output } = await run(args('--finish', '--wait', '0'));
    expect(status).toBe(1);
    expect(output).toContain('The old installation still runs (accounts, catalog, transcoding, uploads). Nothing was handed over');
  });
});

describe('the last step', () => {
  let watching: Installation | undefined;
  afterAll(() => watching?.remove());

  it('ends with both sides equal while playback goes on from the old one', async () => {
    const client = await signIn(old);
    title = `Renamed at the last moment ${newId()}`;
    const before = await client.fetch(`/api/videos/${belongings.videoId}`);
    const renamed = await client.fetch(`/api/videos/${belongings.videoId}`, {
      method: 'PATCH',
      body: JSON.stringify({ title }),
      headers: { 'content-type': 'application/json', 'if-match': before.headers.get('etag') ?? '' },
    });
    expect(renamed.status).toBe(200);
    await old.end('SIGTERM');
    await leaveMessage();
    const PLAYBACK_SECRET = await readFile(path.join(old.dataDir, 'playback-secret'), 'utf8');
    watching = await Installation.create({ SERVICES: 'gateway,streaming', PLAYBACK_SECRET }, { ...one, ports: embeddedPorts(old.dataDir) });
    await watching.start({ direct: true });
    const said = await report(reportFile(), args('--finish'));
    expect(said).toMatchObject({ result: 'done', queues: [{ queue: 'catalog.video.viewed', waiting: 1, dead: 0 }] });
    expect(said.collections.every(({ differing }) => differing === 0)).toBe(true);
    expect(said.pauseSeconds).toBeLessThan(30);
    await expectPlays(watching.url, belongings);
  });

  /** What was on its way when the old installation stopped. */
  async function leaveMessage(): Promise<void> {
    const { ports } = folders.place(path.relative(folders.path(), old.dataDir));
    const data = { videoId: belongings.videoId, playbackId: newId(), at: new Date().toISOString() };
    await ports.bus().publish(newEnvelope({ source: 'history', type: 'video.viewed', data }));
    await ports.close();
  }
});

describe('afterwards', () => {
  it('a comparison finds both sides equal, a byte that changes, and a document that changes', async () => {
    expect(await report(reportFile(), args('--verify'))).toMatchObject({ result: 'equal' });
    const { ports } = folders.place(path.relative(folders.path(), next.dataDir));
    const blobs: string[] = [];
    for await (const { key } of ports.blobs().list('assets/')) blobs.push(key);
    const file = path.join(next.dataDir, 'blobs', blobs[7] ?? '');
    const bytes = await readFile(file);
    const videos = ports.collection('catalog', 'videos');
    await videos.updateOne({ _id: belongings.videoId }, { $set: { title: 'Changed' } });
    await writeFile(file, Buffer.concat([bytes.subarray(0, 100), Buffer.from([(bytes[100] ?? 0) ^ 1]), bytes.subarray(101)]));
    const { status, output } = await run(args('--verify'));
    expect(status).toBe(1);
    expect(output).toContain(`catalog.videos: 1 missing or different, 0 too many (${belongings.videoId})`);
    expect(output).toContain(`1 have other bytes than were copied (${blobs[7]})`);
    await writeFile(file, bytes);
    await videos.updateOne({ _id: belongings.videoId }, { $set: { title } });
    await ports.close();
  });

  it('the target is not written to any more', async () => {
    const { status, output } = await run(args());
    expect(output).toContain('it is an installation of its own since then');
    expect(status).toBe(1);
  });

  it('sessions, API keys, addresses of playback and the unfinished upload work in the new installation', async () => {
    await next.start({ direct: true });
    await expectSame(next, belongings, 10_000);
    const client = await signIn(next);
    expect(await client.video(belongings.videoId)).toMatchObject({ title });
    await eventually('the view that was on its way to be counted', 60_000, async () =>
      (await client.json<{ viewCount: number }>(`/api/videos/${belongings.videoId}`)).viewCount === 1 ? true : undefined,
    );
    expect(next.output).not.toMatch(/"level":"(error|fatal)"/);
  });

  it('it can be moved back the same way', async () => {
    await next.end('SIGTERM');
    const back = ['--from', next.dataDir, '--to', folders.path('back')];
    const said = await report(reportFile(), [...back, '--finish']);
    expect(said).toMatchObject({ result: 'done' });
    expect(await report(reportFile(), [...back, '--verify'])).toMatchObject({ result: 'equal' });
    expect(await readFile(folders.path('back', 'playback-secret'), 'utf8')).toBe(
      await readFile(path.join(old.dataDir, 'playback-secret'), 'utf8'),
    );
  });
});
