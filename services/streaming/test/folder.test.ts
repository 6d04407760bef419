import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, startHost, type Host } from '@kinora/service';
import { streaming } from '../src/service.ts';
import { ask, segment, startMediaServer, type Received } from './media-server.ts';

const bytes = segment(3_000_000);
const name = 'Tom & "Jerry" <1>.mp4';
let folder: string;
let outside: string;
let host: Host;
let origin: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'kinora-videos-'));
  outside = await mkdtemp(join(tmpdir(), 'kinora-outside-'));
  await writeFile(join(folder, name), bytes);
  await writeFile(join(folder, 'empty.webm'), '');
  await writeFile(join(folder, '.hidden.mp4'), 'x');
  await writeFile(join(folder, 'notes.txt'), 'x');
  await writeFile(join(outside, 'secret.mp4'), 'x');
  await mkdir(join(folder, 'folder.mp4'));
  await symlink(join(outside, 'secret.mp4'), join(folder, 'link.mp4'));
  execFileSync('mkfifo', [join(folder, 'pipe.mp4')]);
  // No secret and no place for blobs: a folder needs neither.
  const env = { PORT: '0', HOST: '127.0.0.1', LOG_LEVEL: 'silent', STREAMING_FOLDER: folder, BLOBS_URL: 'file:/dev/null/none' };
  host = await startHost({ definitions: [streaming], env });
  origin = host.url.replace('localhost', '127.0.0.1');
});
afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true });
  await rm(outside, { recursive: true });
});

const get = (path: string, headers: Record<string, string> = {}): Promise<Received> => ask(origin, path, { headers });
const address = `/videos/${encodeURIComponent(name)}`;

describe('GET /videos', () => {
  it('is a page with a player for each video, names written as text', async () => {
    const { status, headers, body } = await get('/videos');
    expect(status).toBe(200);
    expect(headers['content-security-policy']).toContain("default-src 'none'; media-src 'self'");
    const page = body.toString();
    expect(page.match(/<video /g)).toHaveLength(2);
    expect(page).toContain('Tom &amp; &quot;Jerry&quot; &lt;1&gt;.mp4</a>');
    expect(page).not.toMatch(/hidden|notes|folder\.mp4|link|pipe/);
  });

  it('is where / leads to', async () => {
    const { status, headers } = await get('/');
    expect([status, headers.location]).toEqual([302, '/videos']);
  });
});

describe('GET /videos/{name}', () => {
  it('sends the whole video, and says that parts may be asked for', async () => {
    const { status, headers, body } = await get(address);
    expect(status).toBe(200);
    expect(headers).toMatchObject({ 'content-type': 'video/mp4', 'accept-ranges': 'bytes', 'content-length': '3000000' });
    expect(body.equals(bytes)).toBe(true);
  });

  it('sends the part that a player seeks to', async () => {
    const { status, headers, body } = await get(address, { range: 'bytes=1999000-2100000' });
    expect(status).toBe(206);
    expect(headers['content-range']).toBe('bytes 1999000-2100000/3000000');
    expect(body.equals(bytes.subarray(1_999_000, 2_100_001))).toBe(true);
  });

  it('answers 416 with the length for a part outside, 304 for the same ETag, and HEAD without the bytes', async () => {
    const outsideRange = await get(address, { range: 'bytes=3000000-' });
    expect([outsideRange.status, outsideRange.headers['content-range']]).toEqual([416, 'bytes */3000000']);
    const { etag = '' } = (await get(address)).headers;
    expect((await get(address, { 'if-none-match': etag })).status).toBe(304);
    const head = await ask(origin, address, { method: 'HEAD' });
    expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '3000000', 0]);
  });

  it('sends an empty video as one', async () => {
    const { status, headers, body } = await get('/videos/empty.webm');
    expect([status, headers['content-type'], body.length]).toEqual([200, 'video/webm', 0]);
  });

  it('sends what the name holds at the moment of asking', async () => {
    await writeFile(join(folder, 'new.mp4'), 'one');
    const { etag = '' } = (await get('/videos/new.mp4')).headers;
    await writeFile(join(folder, 'new.mp4'), 'other');
    const changed = await get('/videos/new.mp4', { 'if-none-match': etag });
    expect([changed.status, changed.body.toString()]).toEqual([200, 'other']);
  });

  it.each([
    'none.mp4',
    'folder.mp4',
    'link.mp4',
    'pipe.mp4',
    '.hidden.mp4',
    'notes.txt',
    '..%2foutside%2fsecret.mp4',
    '%2e%2e%2fsecret.mp4',
    '..%5csecret.mp4',
    'x%00.mp4',
    `${'x'.repeat(280)}.mp4`,
    '..',
    '%2e%2e',
  ])('answers 404 for %s', async (hostile) => {
    const { status, headers } = await get(`/videos/${hostile}`);
    expect(status).toBe(404);
    expect(headers['content-type']).toContain('application/problem+json');
  });

  it.each(['/videos/../../../etc/passwd', `/videos/%E0%A4%A.mp4`])('answers an error and nothing else for %s', async (hostile) => {
    const { status, body } = await get(hostile);
    expect([400, 404]).toContain(status);
    expect(body.toString()).not.toContain('root:');
  });

  it('has no files of assets beside it when there is no secret', async () => {
    expect((await get('/media/token/asset/main.m3u8')).status).toBe(404);
  });
});

describe('STREAMING_FOLDER', () => {
  it('is off unless set: /videos is not there, and the secret is required', async () => {
    const server = await startMediaServer();
    expect((await ask(server.origin, '/videos')).status).toBe(404);
    await server.stop();
    const env = { PORT: '0', LOG_LEVEL: 'silent', DATA_DIR: folder };
    await expect(startHost({ definitions: [streaming], env })).rejects.toThrow(new ConfigError(['PLAYBACK_SECRET is required']));
  });

  it('goes together with files of assets when the secret is there', async () => {
    const server = await startMediaServer({ STREAMING_FOLDER: folder });
    await server.put('init.mp4', bytes);
    expect((await ask(server.origin, server.path('init.mp4'))).body.equals(bytes)).toBe(true);
    expect((await ask(server.origin, address)).body.equals(bytes)).toBe(true);
    await server.stop();
  });

  it('ends the start when it cannot be read', async () => {
    const env = { PORT: '0', LOG_LEVEL: 'silent', STREAMING_FOLDER: join(folder, 'none') };
    await expect(startHost({ definitions: [streaming], env })).rejects.toThrow('ENOENT');
  });
});
