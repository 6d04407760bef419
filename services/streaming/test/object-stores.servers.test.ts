import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { request } from 'node:http';
import { openBlobs } from '@kinora/blobs';
import { makeContainer, openFaultyProxy, type FaultyProxy } from '@kinora/blobs/testing';
import { ask, segment, startMediaServer, type MediaServer } from './media-server.ts';
import { mediaSuite, until } from './media-suite.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '', AZURE_CONTAINER = '' } = process.env;
const prefix = `streaming-${randomUUID()}`;
const azureUrl = `azure://${AZURE_CONTAINER}/${prefix}`;
let proxy: FaultyProxy;
const s3Url = (): string => `s3://${S3_BUCKET}/${prefix}?endpoint=http://${proxy.host}`;

beforeAll(async () => {
  proxy = await openFaultyProxy(new URL(S3_ENDPOINT).host);
  await makeContainer(azureUrl);
});
afterAll(async () => {
  for (const url of [s3Url(), azureUrl]) {
    const blobs = openBlobs(url);
    await Promise.all([blobs.deletePrefix('assets/'), blobs.deletePrefix('uploads/')]);
    await blobs.close();
  }
  await proxy.close();
});

// The gateway closes each connection with its answer, so that those open are those being read.
mediaSuite('S3', { env: () => ({ BLOBS_URL: s3Url() }), openReads: () => proxy.connections });

describe('streaming from Azure', () => {
  it('sends segments whole and in ranges, hot and cold', async () => {
    const server = await startMediaServer({ BLOBS_URL: azureUrl });
    const body = segment(2_000_000);
    await server.put('v720/1.m4s', body);
    for (let n = 0; n < 3; n++) {
      expect((await ask(server.origin, server.path('v720/1.m4s'))).body.equals(body)).toBe(true);
      const part = await ask(server.origin, server.path('v720/1.m4s'), { headers: { range: 'bytes=1000000-1000009' } });
      expect([part.status, part.body.equals(body.subarray(1_000_000, 1_000_010))]).toEqual([206, true]);
    }
    await server.stop();
  });
});

describe('streaming from a store behind a network', () => {
  let server: MediaServer;
  beforeAll(async () => {
    server = await startMediaServer({ BLOBS_URL: s3Url() });
  });
  afterEach(() => void (proxy.state = 'up'));
  afterAll(() => server.stop());
  const get = (file: string): ReturnType<typeof ask> => ask(server.origin, server.path(file));

  /** Begins a request; `received` grows as bytes come. */
  function begin(file: string): { readonly received: () => number; readonly whole: Promise<Buffer> } {
    const parts: Buffer[] = [];
    const whole = new Promise<Buffer>((resolve, reject) => {
      const sending = request(`${server.origin}${server.path(file)}`, { agent: false }, (response) => {
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('error', reject);
        response.on('end', () => resolve(Buffer.concat(parts)));
      });
      sending.on('error', reject).end();
    });
    return { received: () => parts.reduce((sum, part) => sum + part.length, 0), whole };
  }

  it('reads a cold segment once for all who ask at the same time', async () => {
    const body = segment(3_000_000);
    await server.put('v1/1.m4s', body);
    const before = proxy.accepted;
    const answers = await Promise.all(Array.from({ length: 30 }, () => get('v1/1.m4s')));
    expect(answers.every((answer) => answer.body.equals(body))).toBe(true);
    expect(proxy.accepted - before).toBe(1);
    expect((await get('v1/1.m4s')).body.equals(body)).toBe(true);
    expect(proxy.accepted - before).toBe(1);
  });

  it('keeps no segment that was asked for once, so that a film that is watched pushes nothing out', async () => {
    await server.put('v1/once.m4s', segment(100_000));
    await get('v1/once.m4s');
    const kept = async (): Promise<number> =>
      Number(/^streaming_cache_bytes (\d+)$/m.exec((await ask(server.origin, '/metrics')).body.toString())?.[1]);
    const before = await kept();
    await server.put('v1/once-more.m4s', segment(100_000));
    await get('v1/once-more.m4s');
    expect(await kept()).toBe(before);
    await get('v1/once-more.m4s');
    await until(async () => (await kept()) === before + 100_000);
  });

  it('sends what has come while the rest is on its way, to those who came late, too, and mends a silent connection', async () => {
    const body = segment(3_000_000);
    await server.put('v1/2.m4s', body);
    proxy.arm({ direction: 'down', afterBytes: 1_000_000, kind: 'silence' });
    const first = begin('v1/2.m4s');
    await until(() => first.received() >= 512 * 1024);
    const second = begin('v1/2.m4s');
    await until(() => second.received() >= 512 * 1024);
    expect(proxy.isArmed).toBe(false);
    expect((await first.whole).equals(body)).toBe(true);
    expect((await second.whole).equals(body)).toBe(true);
  });

  it('cuts an answer off that cannot become whole', async () => {
    await server.put('v1/3.m4s', segment(3_000_000));
    proxy.arm({ direction: 'down', afterBytes: 1_000_000, kind: 'silence' });
    const begun = begin('v1/3.m4s');
    await until(() => begun.received() >= 512 * 1024);
    await server.blobs.delete(`assets/${server.assetId}/v1/3.m4s`);
    await expect(begun.whole).rejects.toThrow();
    expect((await get('v1/3.m4s')).status).toBe(404);
  });

  it('goes on with what is in memory when the store is out of reach, and answers 503 for the rest', async () => {
    const body = segment(10_000);
    const playlist = Buffer.from('#EXTM3U\n1.m4s\n');
    await server.put('v1/hot.m4s', body);
    await server.put('v1/cold.m4s', body);
    await server.put('v1/main.m3u8', playlist);
    for (let n = 0; n < 2; n++) await get('v1/hot.m4s');
    await get('v1/main.m3u8');
    proxy.state = 'down';
    server.clock.setMs = Date.now() + 1_000;
    expect((await get('v1/hot.m4s')).body.equals(body)).toBe(true);
    expect((await get('v1/main.m3u8')).body.equals(playlist)).toBe(true);
    const cold = await get('v1/cold.m4s');
    expect([cold.status, cold.headers['content-type']]).toEqual([503, 'application/problem+json; charset=utf-8']);
    expect(cold.body.toString()).not.toContain('127.0.0.1');
    proxy.state = 'up';
    server.clock.setMs = undefined;
    expect((await get('v1/cold.m4s')).body.equals(body)).toBe(true);
  });
});
