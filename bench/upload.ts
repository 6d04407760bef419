/** Bytes that an upload moves per CPU-second of the server, against nginx's WebDAV PUT of the same file by the same client; memory meanwhile. */
import { execFile } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { mkdir, rm, stat } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import type { Client } from '../platform/test/client.ts';
import { nginxBuild, scratchFolder, startNginx, type Server } from './nginx.ts';
import { removeVideo, withPlatform, type Platform } from './platform.ts';
import { cpuSeconds, needLinux, peakGrowthMb } from './processes.ts';
import { NotMeasurableError, row, type Row } from './row.ts';

const rounds = 2;
const largeBytes = 2 ** 30;
const smallBytes = 100_000_000;
/** What memory may grow beyond that of a small upload and still be flat: what garbage collection leaves to chance. */
const slackMb = 32;

async function writeFileOf(file: string, bytes: number): Promise<void> {
  const block = randomBytes(8 * 2 ** 20);
  const blocks = function* (): Generator<Buffer> {
    for (let left = bytes; left > 0; left -= block.length) yield block.subarray(0, Math.min(left, block.length));
  };
  await pipeline(Readable.from(blocks()), createWriteStream(file));
}

/** Sends `file` with curl, a process of its own; anything but a 2xx is an error. */
async function send(file: string, url: string, options: readonly string[]): Promise<void> {
  // Without `Expect`, which costs a turn that is not what is measured.
  await promisify(execFile)('curl', ['--silent', '--show-error', '--fail', '--header', 'Expect:', '--upload-file', file, ...options, url]);
}

/** One upload by tus: a POST, then a single PATCH with everything; resolves once that is answered. */
async function sendByTus({ kinora, client }: Platform, file: string): Promise<string> {
  const { videoId } = await client.createVideo('A measurement');
  const location = await createUpload(client, videoId, (await stat(file)).size);
  const headers = { ...client.headers, 'tus-resumable': '1.0.0', 'upload-offset': '0', 'content-type': 'application/offset+octet-stream' };
  const options = Object.entries(headers).flatMap(([name, value]) => ['--header', `${name}: ${value}`]);
  await send(file, new URL(location, `http://127.0.0.1:${kinora.port}`).href, ['--request', 'PATCH', ...options]);
  return videoId;
}

async function createUpload(client: Client, videoId: string, bytes: number): Promise<string> {
  const metadata = Object.entries({ videoId, filename: 'noise.mp4', filetype: 'video/mp4' });
  const response = await client.fetch('/api/uploads', {
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': String(bytes),
      'upload-metadata': metadata.map(([key, value]) => `${key} ${Buffer.from(value).toString('base64')}`).join(),
    },
  });
  const location = response.headers.get('location');
  if (!response.ok || location === null) throw new Error(`POST /api/uploads answered ${response.status}: ${await response.text()}`);
  return location;
}

interface Moved {
  bytes: number;
  cpuSeconds: number;
}

/** Adds to `moved` what `upload` moves and what the server takes for it. */
async function measure(pids: readonly number[], moved: Moved, upload: () => Promise<void>): Promise<void> {
  const before = await cpuSeconds(pids);
  await upload();
  moved.cpuSeconds += (await cpuSeconds(pids)) - before;
  moved.bytes += largeBytes;
}

/** nginx that takes PUT into `folder`; undefined when this build cannot. */
async function startWebdav(folder: string): Promise<Server | undefined> {
  const build = await nginxBuild().catch((error: unknown) => {
    if (error instanceof NotMeasurableError) return '';
    throw error;
  });
  if (!build.includes('http_dav_module')) {
    process.stderr.write('upload: no nginx with its module http_dav is in PATH (Debian: nginx-full), so there is no reference\n');
    return undefined;
  }
  await mkdir(path.join(folder, 'dav'));
  return startNginx(folder, `root ${folder}/dav; dav_methods PUT; client_max_body_size 0;`);
}

async function compare(platform: Platform, webdav: Server | undefined, folder: string, file: string): Promise<Row> {
  const [ours, theirs]: [Moved, Moved] = [
    { bytes: 0, cpuSeconds: 0 },
    { bytes: 0, cpuSeconds: 0 },
  ];
  for (let round = 0; round < rounds; round++) {
    let videoId = '';
    await measure([platform.pid], ours, async () => void (videoId = await sendByTus(platform, file)));
    await removeVideo(platform, videoId);
    if (!webdav) continue;
    await measure(webdav.pids, theirs, () => send(file, `http://127.0.0.1:${webdav.port}/noise`, []));
    await rm(path.join(folder, 'dav', 'noise'));
  }
  return row({
    what: 'upload of 1 GiB by tus into `file:`',
    value: ours.bytes / 1e6 / ours.cpuSeconds,
    unit: 'MB per CPU-second',
    ...(webdav ? { reference: { what: '`curl` into nginx WebDAV PUT', value: theirs.bytes / 1e6 / theirs.cpuSeconds } } : {}),
    budget: { of: 'ratio', is: 'at least', limit: 0.5 },
  });
}

async function measureMemory(platform: Platform, small: string, large: string): Promise<Row> {
  const growth = async (file: string): Promise<number> => {
    let videoId = '';
    const grown = await peakGrowthMb(platform.pid, async () => void (videoId = await sendByTus(platform, file)));
    await removeVideo(platform, videoId);
    return grown;
  };
  await growth(small); // the first one brings code and buffers into memory
  const before = await growth(small);
  return row({
    what: 'peak growth of resident memory while 1 GiB is uploaded',
    value: await growth(large),
    unit: 'MB',
    reference: { what: 'while 100 MB are', value: before },
    budget: { of: 'value', is: 'at most', limit: before + slackMb },
  });
}

/** Uploads through gateway and uploads in one process, with a single PATCH. Takes 3 GiB of disk until the end. */
export async function measureUpload(): Promise<readonly Row[]> {
  needLinux();
  const folder = await scratchFolder();
  const [small, large] = [path.join(folder, 'small'), path.join(folder, 'large')];
  try {
    await writeFileOf(small, smallBytes);
    await writeFileOf(large, largeBytes);
    return await withPlatform(async (platform) => {
      const memory = await measureMemory(platform, small, large);
      const webdav = await startWebdav(folder);
      try {
        return [await compare(platform, webdav, folder, large), memory];
      } finally {
        await webdav?.stop();
      }
    });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
