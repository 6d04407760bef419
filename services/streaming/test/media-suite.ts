/** What streaming promises of media, whatever store they are in. Long because it is one suite: each store runs all of it. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { request } from 'node:http';
import { connect } from 'node:net';
import fc from 'fast-check';
import { newId } from '@kinora/contracts';
import { ask, segment, startMediaServer, type MediaServer, type Received } from './media-server.ts';

export interface MediaSuite {
  /** Settings beside those of the suite, such as BLOBS_URL. */
  readonly env?: () => NodeJS.ProcessEnv;
  /** How many blobs are being read now. */
  readonly openReads: (server: MediaServer) => Promise<number> | number;
}

/** Asks again until `condition` holds. @throws {Error} after a minute */
export async function until(condition: () => boolean | Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error('the condition did not come true');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const problem = ({ headers, body }: Received): unknown => {
  expect(headers['content-type']).toBe('application/problem+json; charset=utf-8');
  return JSON.parse(body.toString());
};

/** Holds the service to its README, wherever blobs lie. */
export function mediaSuite(name: string, { env = () => ({}), openReads }: MediaSuite): void {
  describe(`streaming from ${name}`, () => {
    let server: MediaServer;
    beforeAll(async () => {
      server = await startMediaServer({ STREAMING_STALL_SECONDS: '3', STREAMING_CACHE_BYTES: String(8 * 1024 * 1024), ...env() });
    });
    afterEach(() => (server.clock.setMs = undefined));
    afterAll(() => server.stop());
    const get = (file: string, headers: Record<string, string> = {}): Promise<Received> =>
      ask(server.origin, server.path(file), { headers });

    describe('GET of a file that never changes', () => {
      it.each([0, 1, 1000, 160_000, 524_288, 3_000_001])('sends %d bytes alike from the blob store and from memory', async (bytes) => {
        const body = segment(bytes);
        const file = `v720/${bytes}.m4s`;
        await server.put(file, body);
        server.clock.setMs = 1_000 * Math.ceil(Date.now() / 1_000);
        for (let n = 0; n < 3; n++) {
          const answer = await get(file);
          expect(answer.status).toBe(200);
          expect(answer.body.equals(body)).toBe(true);
          expect(answer.headers).toMatchObject({
            'content-type': 'video/mp4',
            'content-length': String(bytes),
            'accept-ranges': 'bytes',
            'access-control-allow-origin': '*',
            'x-content-type-options': 'nosniff',
            'x-request-id': expect.any(String),
            'cache-control': 'public, max-age=3600, immutable',
          });
          expect(answer.headers.etag).toMatch(/^"[\w-]+"$/);
        }
      });

      it('serves a segment too large to keep every time', async () => {
        const body = segment(5_000_000);
        await server.put('v720/large.m4s', body);
        for (let n = 0; n < 3; n++) expect((await get('v720/large.m4s')).body.equals(body)).toBe(true);
      });

      it('serves everybody who waits for the same segment', async () => {
        const body = segment(1_500_000);
        await server.put('v720/wanted.m4s', body);
        const answers = await Promise.all(Array.from({ length: 20 }, () => get('v720/wanted.m4s')));
        expect(answers.every((answer) => answer.body.equals(body))).toBe(true);
      });

      it('sends a hot segment from memory without its blob', async () => {
        const body = segment(100_000);
        await server.put('v720/hot.m4s', body);
        await get('v720/hot.m4s');
        await get('v720/hot.m4s');
        await server.blobs.deletePrefix(`assets/${server.assetId}/v720/`);
        expect((await get('v720/hot.m4s')).body.equals(body)).toBe(true);
      });

      it('answers HEAD as GET, without the body', async () => {
        await server.put('init.mp4', segment(700));
        for (let n = 0; n < 3; n++) {
          const head = await ask(server.origin, server.path('init.mp4'), { method: 'HEAD', headers: { range: 'bytes=0-9' } });
          expect([head.status, head.headers['content-length'], head.body.length]).toEqual([200, '700', 0]);
        }
      });
    });

    describe('ranges', () => {
      const bytes = 1_200_000;
      const body = segment(bytes);
      beforeAll(async () => {
        await server.put('cold.mp4', body);
        await server.put('hot.mp4', body);
        for (let n = 0; n < 2; n++) await get('hot.mp4');
      });

      it('are sent byte for byte, from memory or not', async () => {
        const position = fc.nat({ max: bytes + 10 });
        let n = 0;
        await fc.assert(
          fc.asyncProperty(position, position, async (a, b) => {
            const [first, last] = [Math.min(a, b, bytes - 1), Math.max(a, b)];
            const file = `r${n++}.mp4`;
            await server.put(file, body);
            for (const name of [file, 'hot.mp4']) {
              const answer = await get(name, { range: `bytes=${first}-${last}` });
              expect(answer.status).toBe(206);
              expect(answer.headers['content-range']).toBe(`bytes ${first}-${Math.min(last, bytes - 1)}/${bytes}`);
              expect(answer.body.equals(body.subarray(first, last + 1))).toBe(true);
            }
          }),
          { numRuns: 10 },
        );
      });

      it.each(['cold', 'hot'])('several at once are multipart/byteranges (%s)', async (name) => {
        const answer = await get(`${name}.mp4`, { range: 'bytes=0-4, 1000000-1000009, -3' });
        expect(answer.status).toBe(206);
        const boundary = /^multipart\/byteranges; boundary=(\S+)$/.exec(answer.headers['content-type'] ?? '')?.[1] ?? '';
        const expected = [
          [0, 5],
          [1_000_000, 1_000_010],
          [bytes - 3, bytes],
        ].map(([start = 0, end = 0]) =>
          Buffer.concat([
            Buffer.from(`--${boundary}\r\ncontent-type: video/mp4\r\ncontent-range: bytes ${start}-${end - 1}/${bytes}\r\n\r\n`),
            body.subarray(start, end),
            Buffer.from('\r\n'),
          ]),
        );
        expect(answer.body.equals(Buffer.concat([...expected, Buffer.from(`--${boundary}--\r\n`)]))).toBe(true);
        expect(answer.headers['content-length']).toBe(String(answer.body.length));
      });

      it.each(['cold', 'hot'])('outside the file answer 416 with its length (%s)', async (name) => {
        const answer = await get(`${name}.mp4`, { range: `bytes=${bytes}-` });
        expect(answer.status).toBe(416);
        expect(answer.headers['content-range']).toBe(`bytes */${bytes}`);
        expect(problem(answer)).toMatchObject({ status: 416, bytes });
      });

      it('that make no sense are ignored', async () => {
        for (const range of ['bytes=b-a', 'lines=1-2', 'bytes=5-1']) expect((await get('hot.mp4', { range })).status).toBe(200);
      });

      it('with If-Range are sent only for the same bytes', async () => {
        const { etag = '', 'last-modified': modified = '' } = (await get('hot.mp4')).headers;
        server.clock.setMs = Date.now() + 10_000;
        const statuses = [];
        for (const ifRange of [etag, modified, '"other"', `W/${etag}`])
          statuses.push((await get('hot.mp4', { range: 'bytes=0-1', 'if-range': ifRange })).status);
        expect(statuses).toEqual([206, 206, 200, 200]);
      });
    });

    describe('conditional requests', () => {
      it.each(['poster.jpg', 'v1/main.m3u8'])('for %s answer 304 and 412 by ETag and date', async (file) => {
        await server.put(file, Buffer.from('#EXTM3U\n'));
        const { etag = '', 'last-modified': modified = '' } = (await get(file)).headers;
        const unchanged = await get(file, { 'if-none-match': etag });
        expect([unchanged.status, unchanged.body.length, unchanged.headers.etag]).toEqual([304, 0, etag]);
        expect((await get(file, { 'if-modified-since': modified })).status).toBe(304);
        expect((await get(file, { 'if-none-match': '"other"', 'if-modified-since': modified })).status).toBe(200);
        const failed = await get(file, { 'if-match': '"other"' });
        expect(failed.status).toBe(412);
        expect(problem(failed)).toMatchObject({ status: 412 });
      });
    });

    describe('playlists', () => {
      it('are seen to grow within 250 ms, under a new ETag, until they end', async () => {
        await server.put('v2/main.m3u8', Buffer.from('#EXTM3U\n1.m4s\n'));
        const firstMs = (server.clock.setMs = Date.now());
        const first = await get('v2/main.m3u8');
        expect(first.headers).toMatchObject({ 'content-type': 'application/vnd.apple.mpegurl', 'cache-control': 'no-cache' });
        await server.put('v2/main.m3u8', Buffer.from('#EXTM3U\n1.m4s\n2.m4s\n#EXT-X-ENDLIST\n'));
        expect((await get('v2/main.m3u8')).body.equals(first.body)).toBe(true);
        server.clock.setMs = firstMs + 300;
        const second = await get('v2/main.m3u8', { 'if-none-match': first.headers.etag ?? '' });
        expect(second.status).toBe(200);
        expect(second.body.toString()).toContain('2.m4s');
        expect(second.headers['cache-control']).toBe('public, max-age=10');
        expect(second.headers.etag).not.toBe(first.headers.etag);
      });

      it('are gone when their blob is', async () => {
        await server.put('v3/main.m3u8', Buffer.from('#EXTM3U\n'));
        await get('v3/main.m3u8');
        await server.blobs.delete(`assets/${server.assetId}/v3/main.m3u8`);
        server.clock.setMs = Date.now() + 600;
        expect((await get('v3/main.m3u8')).status).toBe(404);
      });
    });

    describe('bad requests', () => {
      it.each(['none.m4s', 'main.m3u8', 'plan.json', '', 'x.m4s/'])('answer 404 for %j, which is not there', async (file) => {
        const answer = await get(file);
        expect(answer.status).toBe(404);
        expect(answer.headers['access-control-allow-origin']).toBe('*');
        expect(problem(answer)).toMatchObject({ type: expect.stringMatching(/not-found$/) });
      });

      it('answer 403 for tokens that are forged, of another asset, or over', async () => {
        await server.put('init.mp4', segment(10));
        const good = server.path('init.mp4');
        const token = good.split('/')[2] ?? '';
        const paths = [
          good.replace(token, 'x'),
          good.replace(token, `${token.slice(0, -2)}AA`),
          good.replace(token, `z${token.slice(1)}`),
          good.replace(server.assetId, newId()),
          good.replace(server.assetId, '..'),
          server.path('init.mp4', -1),
        ];
        for (const path of paths) {
          const answer = await ask(server.origin, path);
          expect(answer.status).toBe(403);
          expect(problem(answer)).toMatchObject({ type: expect.stringMatching(/\/invalid-playback-token$/) });
        }
        expect((await ask(server.origin, good)).status).toBe(200);
        server.clock.setMs = Date.now() + 3_601_000;
        expect((await ask(server.origin, good)).status).toBe(403);
      });

      it('never reach a file outside the asset, whatever the path is made of', async () => {
        await server.blobs.put('uploads/secret.mp4', Buffer.from('secret'));
        const part = fc.constantFrom(
          '..',
          '.',
          '',
          '%2e%2e',
          '%2f',
          '..%2f',
          '%5c',
          '%00',
          '%',
          '%ff',
          '%c0%ae',
          'uploads',
          'secret.mp4',
          'a',
          '//',
          '?',
          '%252e',
        );
        await fc.assert(
          fc.asyncProperty(fc.array(part, { maxLength: 7 }), async (parts) => {
            const answer = await ask(server.origin, server.path([...parts, 'secret.mp4'].join('/')));
            expect([400, 403, 404]).toContain(answer.status);
            problem(answer);
          }),
          { numRuns: 150 },
        );
      });

      it('with another method are refused', async () => {
        expect((await ask(server.origin, server.path('init.mp4'), { method: 'DELETE' })).status).toBe(404);
      });

      it('have a preflight for pages elsewhere', async () => {
        const answer = await ask(server.origin, server.path('init.mp4'), {
          method: 'OPTIONS',
          headers: { origin: 'https://elsewhere.example', 'access-control-request-headers': 'range' },
        });
        expect(answer.status).toBe(204);
        expect(answer.headers).toMatchObject({
          'access-control-allow-origin': '*',
          'access-control-allow-headers': 'range',
          'access-control-allow-methods': 'GET, HEAD, OPTIONS',
        });
      });
    });

    describe('clients that go or stand still', () => {
      it('that vanish in the middle leave no read open', async () => {
        for (let n = 0; n < 8; n++) await server.put(`gone${n}.mp4`, segment(12_000_000));
        const { hostname, port } = new URL(server.origin);
        await Promise.all(
          Array.from(
            { length: 8 },
            (_, n) =>
              new Promise<void>((resolve) => {
                const sending = request({ hostname, port, path: server.path(`gone${n}.mp4`), agent: false }, (response) =>
                  response.once('data', () => {
                    sending.destroy();
                    resolve();
                  }),
                );
                sending.on('error', () => undefined);
                sending.end();
              }),
          ),
        );
        await until(async () => (await openReads(server)) === 0);
      });

      it('that take nothing are disconnected after the time set, and their read ends', async () => {
        await server.put('slow.mp4', segment(30_000_000));
        const { hostname, port } = new URL(server.origin);
        const socket = connect(Number(port), hostname);
        socket.on('error', () => undefined);
        socket.write(`GET ${server.path('slow.mp4')} HTTP/1.1\r\nhost: x\r\n\r\n`);
        socket.pause();
        await until(async () => (await openReads(server)) === 1);
        await until(async () => (await openReads(server)) === 0);
        socket.destroy();
      });
    });

    it('counts what it sends', async () => {
      const metrics = (await ask(server.origin, '/metrics')).body.toString();
      expect(metrics).toMatch(/^streaming_files_sent_total\{from="hot"\} [1-9]/m);
      expect(Number(/^streaming_cache_bytes (\d+)$/m.exec(metrics)?.[1])).toBeLessThanOrEqual(8 * 1024 * 1024);
    });

    it('measures each answer under one route, with the request id given, whether it came from memory or not', async () => {
      const count = async (): Promise<number> => {
        const metrics = (await ask(server.origin, '/metrics')).body.toString();
        const label =
          /^http_server_request_duration_seconds_count\{service="streaming",method="GET",route="\/media\/:token\/:assetId\/\*",status="200"\} (\d+)$/m;
        return Number(label.exec(metrics)?.[1] ?? 0);
      };
      await server.put('v720/measured.m4s', segment(1000));
      const before = await count();
      for (let n = 0; n < 3; n++)
        expect((await get('v720/measured.m4s', { 'x-request-id': `given-${n}` })).headers['x-request-id']).toBe(`given-${n}`);
      await until(async () => (await count()) === before + 3);
    });
  });
}
