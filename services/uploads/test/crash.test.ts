import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Upload } from 'tus-js-client';
import { sourceKey } from '@kinora/contracts';
import { createTestIdentities, type TestIdentities } from '@kinora/service/testing';
import { environment, patchHeaders, speakTo, tusHeaders, until, type Person } from './uploads.ts';

// Processes are started and waited for; a busy machine takes its time.
jest.setTimeout(90_000);

const children = new Set<ChildProcess>();
let dataDir: string;
let identities: TestIdentities;
let ann: Person;
let speaking: Awaited<ReturnType<typeof speakTo>>;
let url = '';

/** Starts a process on the same folder; resolves when it is ready. */
async function startChild(limits = ''): Promise<ChildProcess> {
  const script = path.join(import.meta.dirname, 'child.ts');
  const child = spawn('sh', ['-c', `${limits}exec "$0" "$@"`, process.execPath, script], {
    env: environment(identities, dataDir),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  url = await new Promise<string>((resolve, reject) => {
    child.once('exit', (code) => reject(new Error(`the child ended with ${String(code)}`)));
    child.stdout?.once('data', (line: Buffer) => resolve(line.toString().trim()));
  });
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  children.delete(child);
  const gone = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await gone;
}

beforeEach(async () => {
  dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-uploads-crash-'));
  identities = await createTestIdentities();
  ann = await identities.create();
  speaking = await speakTo(() => url, identities, dataDir);
});
afterEach(async () => {
  for (const child of children) await kill(child);
  await speaking.close();
  await rm(dataDir, { recursive: true, force: true });
});

const fileOf = (location: string): string => path.join(dataDir, 'blobs', sourceKey(location.split('/').at(-1) ?? ''));
const offsetOf = async (location: string): Promise<number> =>
  Number((await speaking.send('HEAD', location, ann, tusHeaders)).headers.get('upload-offset'));

describe('uploads killed with SIGKILL', () => {
  it('keep the bytes of a body cut in the middle, and tus-js-client goes on from there', async () => {
    let child = await startChild();
    const bytes = randomBytes(6_000_000);
    const location = await speaking.start(ann, bytes.length);
    const feed = Promise.withResolvers<undefined>();
    const endless = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes.subarray(0, 4_000_000)),
      pull: () => feed.promise,
    });
    const cut = speaking.send('PATCH', location, ann, patchHeaders(0), endless).catch(() => undefined);
    const kept = await until('bytes are on disk', async () => {
      const { length } = await readFile(fileOf(location));
      return length > 1_000_000 && length;
    });
    await kill(child);
    await cut;
    child = await startChild();
    const resumedAt: number[] = [];
    await new Promise<void>((resolve, reject) => {
      new Upload(bytes, {
        uploadUrl: url + location,
        headers: { ...ann.headers },
        onProgress: (sent) => resumedAt.push(sent),
        onSuccess: () => resolve(),
        onError: reject,
      }).start();
    });
    expect(resumedAt[0]).toBeGreaterThanOrEqual(kept);
    expect((await readFile(fileOf(location))).equals(bytes)).toBe(true);
    await until('upload.completed arrives', () => speaking.completed.length === 1);
  });

  it('complete, once, what had all its bytes but no record of it', async () => {
    const first = await startChild();
    const location = await speaking.start(ann, 5);
    await kill(first);
    // What a kill between the last byte and the record leaves behind.
    await writeFile(fileOf(location), 'bytes');
    const second = await startChild();
    await until('upload.completed arrives', () => speaking.completed.length === 1);
    await kill(second);
    await startChild();
    expect(await offsetOf(location)).toBe(5);
    await speaking.start(ann, 0);
    await until('the next upload.completed arrives', () => speaking.completed.length > 1);
    expect(speaking.completed).toHaveLength(2);
  });

  it('count no byte of a body whose checksum had not been verified', async () => {
    const first = await startChild();
    const location = await speaking.start(ann, 8);
    expect((await speaking.send('PATCH', location, ann, patchHeaders(0), 'good')).status).toBe(204);
    const half = new ReadableStream<Uint8Array>({ start: (controller) => controller.enqueue(Buffer.alloc(300_000)) });
    const big = await speaking.start(ann, 1_000_000);
    const checksum = { 'upload-checksum': `sha1 ${Buffer.alloc(20).toString('base64')}` };
    const cut = speaking.send('PATCH', big, ann, { ...patchHeaders(0), ...checksum }, half).catch(() => undefined);
    await until('unverified bytes are on disk', async () => (await readFile(fileOf(big))).length > 0);
    await kill(first);
    await cut;
    await startChild();
    expect(await offsetOf(big)).toBe(0);
    expect(await offsetOf(location)).toBe(4);
  });

  it('start twice on one folder without telling of an upload twice', async () => {
    const first = await startChild();
    const locations: string[] = [];
    for (let i = 0; i < 3; i++) locations.push(await speaking.start(ann, 5));
    await kill(first);
    for (const location of locations) await writeFile(fileOf(location), 'bytes');
    await Promise.all([startChild(), startChild()]);
    await until('every upload.completed arrives', () => speaking.completed.length >= 3);
    await speaking.start(ann, 0);
    await until('the next upload.completed arrives', () => speaking.completed.length > 3);
    expect(speaking.completed).toHaveLength(4);
  });

  it('tell the offset that the disk has, even when a power cut took bytes', async () => {
    const first = await startChild();
    const location = await speaking.start(ann, 8);
    await speaking.send('PATCH', location, ann, patchHeaders(0), 'good');
    await kill(first);
    await truncate(fileOf(location), 2);
    await startChild();
    expect(await offsetOf(location)).toBe(2);
    expect((await speaking.send('PATCH', location, ann, patchHeaders(2), 'odlast')).status).toBe(204);
    expect((await readFile(fileOf(location))).toString()).toBe('goodlast');
  });
});

describe('a full disk', () => {
  it('is answered with 507 and harms no byte that was acknowledged', async () => {
    // Without the right to mount, the limit on one file (EFBIG) of the child stands for the full disk.
    const full = await startChild('ulimit -f 8192; ');
    const bytes = randomBytes(6_000_000);
    const location = await speaking.start(ann, bytes.length);
    expect((await speaking.send('PATCH', location, ann, patchHeaders(0), bytes.subarray(0, 1_000_000))).status).toBe(204);
    const refused = await speaking.send('PATCH', location, ann, patchHeaders(1_000_000), bytes.subarray(1_000_000));
    expect([refused.status, refused.slug]).toEqual([507, 'storage-full']);
    const kept = await offsetOf(location);
    expect(kept).toBeGreaterThanOrEqual(1_000_000);
    await kill(full);
    await startChild();
    expect((await speaking.send('PATCH', location, ann, patchHeaders(kept), bytes.subarray(kept))).status).toBe(204);
    expect((await readFile(fileOf(location))).equals(bytes)).toBe(true);
  });
});
