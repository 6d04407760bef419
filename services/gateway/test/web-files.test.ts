import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { request as httpRequest } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliCompressSync, brotliDecompressSync, gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { install, type Installation } from './installation.ts';

describe('the web app', () => {
  let kinora: Installation;
  let folder: string;
  const script = `console.log('${'kinora '.repeat(200)}')`;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'kinora-web-'));
    const web = path.join(folder, 'dist');
    await mkdir(path.join(web, 'assets'), { recursive: true });
    await writeFile(path.join(folder, 'secret.txt'), 'secret');
    await writeFile(path.join(web, '.hidden'), 'secret');
    await writeFile(path.join(web, 'index.html'), '<!doctype html><title>Kinora</title>');
    await writeFile(path.join(web, 'assets', 'app.js'), script);
    await writeFile(path.join(web, 'assets', 'app.js.br'), brotliCompressSync(script));
    await writeFile(path.join(web, 'assets', 'app.js.gz'), gzipSync(script));
    kinora = await install({ env: { GATEWAY_WEB_DIR: web } });
  });
  afterAll(async () => {
    await kinora.stop();
    await rm(folder, { recursive: true });
  });

  const raw = (
    target: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }> =>
    new Promise((resolve, reject) => {
      const { hostname, port } = new URL(kinora.url);
      httpRequest({ hostname, port, path: target, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }));
      })
        .on('error', reject)
        .end();
    });

  it('is one page for every address a person may open, checked anew each time', async () => {
    for (const url of ['/', '/watch/abc', '/upload']) {
      const response = await kinora.fetch(url, { headers: { accept: 'text/html,*/*' } });
      expect(await response.text()).toContain('<title>Kinora</title>');
      expect(response.headers.get('cache-control')).toBe('no-cache');
      expect(response.headers.get('content-security-policy')).toContain("worker-src 'self' blob:");
      // `fetch` would add Cache-Control: no-cache to a conditional request.
      const again = await raw(url, {
        accept: 'text/html',
        'accept-encoding': 'identity',
        'if-none-match': response.headers.get('etag') ?? '',
      });
      expect(again.status).toBe(304);
    }
  });

  it.each([
    ['br, gzip', 'br'],
    ['gzip', 'gzip'],
    ['identity', undefined],
  ])('sends an asset as Accept-Encoding %s asks, to be kept for ever', async (accepted, encoding) => {
    const { headers, body } = await raw('/assets/app.js', { 'accept-encoding': accepted });
    expect(headers['content-encoding']).toBe(encoding);
    expect(headers['cache-control']).toContain('immutable');
    expect(headers['content-type']).toContain('javascript');
    expect(String(headers['vary']).toLowerCase()).toContain('accept-encoding');
    if (encoding === 'br') expect(brotliDecompressSync(body).toString()).toBe(script);
  });

  it('answers HEAD without a body', async () => {
    const response = await kinora.fetch('/', { method: 'HEAD', headers: { accept: 'text/html' } });
    expect([response.status, await response.text()]).toEqual([200, '']);
  });

  it.each(['/assets/gone.js', '/api/nothing', '/internal/x', '/favicon.ico'])('answers 404 to %s, not the page', async (url) => {
    const response = await kinora.fetch(url, { headers: { accept: url === '/favicon.ico' ? 'image/*' : 'text/html' } });
    expect(response.status).toBe(404);
    expect(response.headers.get('content-type')).toContain('application/problem+json');
  });

  it.each([
    '/../secret.txt',
    '/..%2fsecret.txt',
    '/assets/..%2f..%2fsecret.txt',
    '/%2e%2e/secret.txt',
    '/.hidden',
    '/assets/../../secret.txt',
    '/%5c..%5csecret.txt',
    '/%00',
    '/%',
    '/assets//app.js',
  ])('gives nothing away for %s', async (target) => {
    const { status, body } = await raw(target, { accept: 'text/html' });
    expect(body.toString()).not.toContain('secret\n');
    expect(body.toString()).not.toMatch(/^secret/);
    expect([200, 400, 403, 404]).toContain(status);
    if (status === 200) expect(body.toString()).toContain('<title>Kinora</title>');
  });

  it('says so when the web app is not built', async () => {
    const bare = await install({ env: { GATEWAY_WEB_DIR: path.join(folder, 'nothing') } });
    const response = await bare.fetch('/', { headers: { accept: 'text/html' } });
    expect([response.status, await response.text()]).toEqual([503, expect.stringContaining('not built')]);
    await bare.stop();
  });
});
