/** Segments and playlists against nginx: the same bytes, one after the other in the same run, per CPU-second that the server took. */
import { spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { rm } from 'node:fs/promises';
import path from 'node:path';
import { openBlobs } from '@kinora/blobs';
import { assetPrefix, newId } from '@kinora/contracts';
import { signPlaybackToken } from '@kinora/contracts/playback-token';
import { freePort } from '../platform/test/installation.ts';
import type { LoadPlan } from './load-generator.ts';
import { load, measureLoad, type Spent } from './load.ts';
import { endChild, scratchFolder, startNginx, untilAnswering, type Server } from './nginx.ts';
import { needLinux } from './processes.ts';
import { row, type Budget, type Row } from './row.ts';

const repository = path.join(import.meta.dirname, '..');
const secret = 'only for this measurement';
const rounds = 3;
const roundSeconds = 2;

interface Scenario {
  readonly what: string;
  readonly from: 'hot' | 'cold';
  readonly file: string;
  readonly count: number;
  readonly bytes: number;
  readonly unit: 'MB per CPU-second' | 'requests per CPU-second';
  readonly budget?: Budget;
}

const large = { file: 'large{n}.m4s', count: 8, bytes: 3_000_000, unit: 'MB per CPU-second' } as const;
const small = { file: 'small{n}.m4s', count: 64, bytes: 160_000, unit: 'MB per CPU-second' } as const;
const playlist = { file: 'v{n}/main.m3u8', count: 8, bytes: 2_000, unit: 'requests per CPU-second' } as const;
const ofNginx = (limit: number): { readonly budget: Budget } => ({ budget: { of: 'ratio', is: 'at least', limit } });

const scenarios: readonly Scenario[] = [
  { what: 'hot segments of 3 MB', from: 'hot', ...large, ...ofNginx(1) },
  { what: 'hot segments of 160 KB', from: 'hot', ...small, ...ofNginx(0.5) },
  { what: 'cold segments of 3 MB', from: 'cold', ...large, ...ofNginx(0.65) },
  { what: 'cold segments of 160 KB', from: 'cold', ...small },
  { what: 'playlists of 2 KB', from: 'hot', ...playlist },
];

interface Sender extends Server {
  /** Path of a file of the asset. */
  address(file: string): string;
}

async function startStreaming(folder: string, assetId: string, cacheBytes: number | undefined): Promise<Sender> {
  const port = await freePort();
  const child = spawn(process.execPath, [path.join(repository, 'services/streaming/src/main.ts')], {
    env: {
      GLIBC_TUNABLES: 'glibc.malloc.hugetlb=1', // as tools/setup.js sets it: buffers of 2 MB and more in huge pages
      ...process.env,
      PORT: String(port),
      HOST: '127.0.0.1',
      DATA_DIR: folder,
      BLOBS_URL: `file:${folder}`,
      PLAYBACK_SECRET: secret,
      ...(cacheBytes === undefined ? {} : { STREAMING_CACHE_BYTES: String(cacheBytes) }),
    },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const token = signPlaybackToken(secret, assetId, Math.floor(Date.now() / 1000) + 3600);
  await untilAnswering(port);
  return { port, pids: [child.pid ?? 0], address: (file) => `/media/${token}/${assetId}/${file}`, stop: () => endChild(child) };
}

async function startSendfile(folder: string, assetId: string): Promise<Sender> {
  return { ...(await startNginx(folder, `root ${folder};`)), address: (file) => `/${assetPrefix(assetId)}${file}` };
}

const names = ({ file, count }: Scenario): string[] => Array.from({ length: count }, (_, n) => file.replace('{n}', String(n)));
const done = ({ unit }: Scenario, { requests, bodyBytes, cpuSeconds }: Spent): number =>
  (unit === 'MB per CPU-second' ? bodyBytes / 1e6 : requests) / cpuSeconds;

async function compare(scenario: Scenario, streaming: Sender, nginx: Sender): Promise<Row> {
  const planOf = ({ port, address }: Sender, seconds: number): LoadPlan => {
    return { port, paths: names(scenario).map(address), connections: 8, seconds, bodyBytes: scenario.bytes };
  };
  const ours: Spent = { requests: 0, bodyBytes: 0, cpuSeconds: 0 };
  const theirs: Spent = { requests: 0, bodyBytes: 0, cpuSeconds: 0 };
  for (const server of [streaming, nginx]) await load(planOf(server, 1));
  for (let round = 0; round < rounds; round++) {
    await measureLoad(planOf(streaming, roundSeconds), streaming.pids, ours);
    await measureLoad(planOf(nginx, roundSeconds), nginx.pids, theirs);
  }
  const { what, unit, budget } = scenario;
  return row({
    what,
    unit,
    value: done(scenario, ours),
    reference: { what: 'nginx with sendfile', value: done(scenario, theirs) },
    budget,
  });
}

/**
 * Measures the streaming service (its own process, default settings) against one nginx worker with sendfile. Cold means not in the service's
 * memory: that server keeps none; the page cache is warm for both. Takes a minute.
 */
export async function measureDelivery(): Promise<readonly Row[]> {
  needLinux();
  const folder = await scratchFolder();
  const servers: Server[] = [];
  const started = async (starting: Promise<Sender>): Promise<Sender> => {
    const server = await starting;
    servers.push(server);
    return server;
  };
  try {
    const assetId = newId();
    const blobs = openBlobs(`file:${folder}`);
    for (const scenario of scenarios.filter(({ from }) => from === 'hot')) {
      for (const name of names(scenario)) await blobs.put(assetPrefix(assetId) + name, randomBytes(scenario.bytes));
    }
    const nginx = await started(startSendfile(folder, assetId));
    const hot = await started(startStreaming(folder, assetId, undefined));
    const cold = await started(startStreaming(folder, assetId, 0));
    const rows: Row[] = [];
    for (const scenario of scenarios) rows.push(await compare(scenario, scenario.from === 'hot' ? hot : cold, nginx));
    return rows;
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
    await rm(folder, { recursive: true, force: true });
  }
}
