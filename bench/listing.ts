/** `GET /api/videos` through gateway and catalog in one process, among few and among very many videos, per CPU-second that the server took. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openDocuments } from '@kinora/documents';
import type { VideoPage } from '@kinora/contracts';
import { freePort } from '../platform/test/installation.ts';
import { encodeCursor } from '../services/catalog/src/cursor.ts';
import { openMediaUrls } from '../services/catalog/src/media-urls.ts';
import { openCollections } from '../services/catalog/src/store.ts';
import { shownAsset, toVideo, type VideoDocument } from '../services/catalog/src/video.ts';
import { storedVideo } from './listed-videos.ts';
import { load, measureLoad, type Spent } from './load.ts';
import { endChild, scratchFolder, untilAnswering, type Server } from './nginx.ts';
import { withPlatform } from './platform.ts';
import { needLinux } from './processes.ts';
import { row, withDigits, type Budget, type Row, type Section } from './row.ts';

const few = 5_000;
const many = 1_000_000;
const pageSize = 24;
const perCommit = 2_000;
const rounds = 3;
const roundSeconds = 2;
/** More pages than the catalog keeps for a second, so that each is read from the database. */
const differentPages = 1_500;
const secret = randomBytes(32).toString('hex');
const env = {
  PLAYBACK_SECRET: secret,
  GATEWAY_REQUESTS_PER_MINUTE: '1000000000', // counted, but not reached: all load comes from one address
};
const unit = 'requests per CPU-second';

/** Where the bare server finds its videos. */
function openBareTable(file: string): { add(videos: readonly VideoDocument[]): void; close(): void } {
  const database = new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; CREATE TABLE videos (key TEXT, video TEXT)');
  const insert = database.prepare('INSERT INTO videos VALUES (?, ?)');
  const mediaUrls = openMediaUrls(secret, () => new Date());
  return {
    add(videos) {
      database.exec('BEGIN');
      for (const video of videos) insert.run(video.order.newest, JSON.stringify(toVideo(video, mediaUrls.poster(shownAsset(video)))));
      database.exec('COMMIT');
    },
    close() {
      database.exec('CREATE INDEX videos_by_key ON videos (key)');
      database.close();
    },
  };
}

/** Fills the catalog's database below `dataDir` and the bare server's in `bareFile`. Returns cursors of pages all over the list. */
async function fill(dataDir: string, bareFile: string, count: number): Promise<string[]> {
  const documents = openDocuments(`sqlite:${path.join(dataDir, 'documents')}`, 'catalog');
  const { videos } = openCollections(documents);
  await documents.ready();
  const bare = openBareTable(bareFile);
  const cursors: string[] = [];
  const apart = Math.ceil(count / differentPages);
  for (let first = 0; first < count; first += perCommit) {
    const batch = Array.from({ length: Math.min(perCommit, count - first) }, (_, n) => storedVideo(first + n));
    await videos.insertMany(batch);
    bare.add(batch);
    const starts = batch.filter((_, n) => (first + n) % apart === 0 && first + n >= 2 * pageSize);
    cursors.push(...starts.map(({ order }) => encodeCursor('newest', order.newest)));
  }
  bare.close();
  await documents.close();
  return cursors;
}

/** A bare Fastify that reads the same pages from a table of its own with node:sqlite. */
async function startBare(file: string): Promise<Server> {
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(import.meta.dirname, 'bare-listing.ts'), String(port), file], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  await untilAnswering(port);
  return { port, pids: [child.pid ?? 0], stop: () => endChild(child) };
}

type Asked = Pick<Server, 'port' | 'pids'>;

async function requestsPerCpuSecond({ port, pids }: Asked, paths: readonly string[]): Promise<number> {
  const plan = { port, paths, connections: 8 };
  const spent: Spent = { requests: 0, bodyBytes: 0, cpuSeconds: 0 };
  await load({ ...plan, seconds: 2 });
  for (let round = 0; round < rounds; round++) await measureLoad({ ...plan, seconds: roundSeconds }, pids, spent);
  return spent.requests / spent.cpuSeconds;
}

/** Both servers have to say the same, or the comparison is worth nothing. */
async function checkSame(one: Asked, other: Asked, address: string): Promise<void> {
  const [mine, theirs] = await Promise.all(
    [one, other].map(async ({ port }) => (await (await fetch(`http://127.0.0.1:${port}${address}`)).json()) as VideoPage),
  );
  assert.equal(mine?.items.length, pageSize);
  assert.deepEqual(mine, theirs);
}

async function compare(kinora: Asked, bare: Asked, what: string, paths: readonly string[], budget: Budget | undefined): Promise<Row> {
  await checkSame(kinora, bare, paths[0] ?? '');
  const reference = { what: 'a bare Fastify over node:sqlite', value: await requestsPerCpuSecond(bare, paths) };
  return row({ what, unit, value: await requestsPerCpuSecond(kinora, paths), reference, budget });
}

async function measureAmong(count: number): Promise<Row[]> {
  const folder = await scratchFolder();
  const bareFile = path.join(folder, 'bare.sqlite');
  let cursors: readonly string[] = [];
  const prepare = async (dataDir: string): Promise<void> => void (cursors = await fill(dataDir, bareFile, count));
  try {
    return await withPlatform(
      async ({ kinora, pid }) => {
        const bare = await startBare(bareFile);
        const server = { port: kinora.port, pids: [pid] };
        const among = `among ${withDigits(count)} videos`;
        const pages = cursors.map((cursor) => `/api/videos?after=${cursor}`);
        try {
          return [
            await compare(server, bare, `\`GET /api/videos\` ${among}`, ['/api/videos'], { of: 'value', is: 'at least', limit: 4_000 }),
            await compare(server, bare, `${withDigits(pages.length)} different pages of it, ${among}`, pages, undefined),
          ];
        } finally {
          await bare.stop();
        }
      },
      { env, prepare },
    );
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** How much of the speed among few videos is left among many. */
const flatness = (among: Row, amongFew: Row): Row =>
  row({
    what: among.what,
    value: among.value,
    unit,
    reference: { what: `among ${withDigits(few)} videos`, value: amongFew.value },
    budget: { of: 'ratio', is: 'at least', limit: 0.8 },
  });

/** Listing among 5 000 videos, and in full among 1 000 000 too: filling the database for that takes two minutes and 4 GB until the end. */
export const measureListing: Section = async ({ isFull }) => {
  needLinux();
  const amongFew = await measureAmong(few);
  if (!isFull) return amongFew;
  const amongMany = await measureAmong(many);
  const flat = amongMany.flatMap((each, at) => amongFew.slice(at, at + 1).map((before) => flatness(each, before)));
  return [...amongFew, ...amongMany, ...flat];
};
