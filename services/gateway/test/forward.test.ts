import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { problemTypeBase } from '@kinora/contracts';
import { install, type Installation } from './installation.ts';

const slug = async (response: Response): Promise<string> =>
  ((await response.json()) as { type: string }).type.slice(problemTypeBase.length);

/** A request whose target is sent as it stands, which `fetch` would tidy up. */
const raw = (url: string, target: string, method = 'GET'): Promise<{ status: number; text: string }> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url);
    const outgoing = httpRequest({ hostname, port, path: target, method }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.on('error', reject).end();
  });

describe.each([{ apart: false }, { apart: true }])('a request through the gateway, services apart: $apart', ({ apart }) => {
  let kinora: Installation;
  beforeAll(async () => {
    kinora = await install({ apart, env: { PUBLIC_URL: '' } });
  });
  afterAll(() => kinora.stop());

  it('reaches the service with the identity of the cookie, and without the cookie', async () => {
    const { cookie, accountId } = await kinora.signUp('ann@example.org');
    const { identity, headers } = await kinora.seen('/api/videos/x?limit=3', { headers: { cookie: `theme=dark; ${cookie}` } });
    expect(identity).toEqual({ accountId, role: 'creator', name: 'Ann' });
    expect(headers['cookie']).toBeUndefined();
  });

  it('takes a session token and an API key as bearer', async () => {
    const { cookie, token, accountId } = await kinora.signUp('bob@example.org');
    const made = await kinora.fetch('/api/me/api-keys', {
      method: 'POST',
      headers: { cookie, 'content-type': 'application/json' },
      body: JSON.stringify({ name: 'k' }),
    });
    const { key, apiKeyId } = (await made.json()) as { key: string; apiKeyId: string };
    for (const bearer of [token, key])
      expect((await kinora.seen('/api/videos', { headers: { authorization: `Bearer ${bearer}` } })).identity?.accountId).toBe(accountId);
    await kinora.fetch(`/api/me/api-keys/${apiKeyId}`, { method: 'DELETE', headers: { cookie } });
    const session = await kinora.fetch('/api/auth/get-session', { headers: { authorization: `Bearer ${token}` } });
    expect(((await session.json()) as { user: { id: string } }).user.id).toBe(accountId);
  });

  it('lets nobody in with what a client makes up', async () => {
    const { identity, headers } = await kinora.seen('/api/videos', {
      headers: {
        'x-client-address': '1.2.3.4',
        'x-forwarded-for': '1.2.3.4',
        'x-forwarded-host': 'evil.example',
        'x-credential': 'x',
        'x-real-ip': '1.2.3.4',
      },
    });
    expect(identity).toBeNull();
    expect(headers['x-forwarded-for']).toMatch(/127\.0\.0\.1|::1/);
    expect(headers['x-client-address']).not.toBe('1.2.3.4');
    expect(headers['x-forwarded-host']).toBe(new URL(kinora.url).host);
    expect(headers['x-credential'] ?? headers['x-real-ip']).toBeUndefined();
    for (const authorization of [
      'Bearer forged',
      'Bearer eyJhbGciOiJub25lIn0.eyJzdWIiOiJhIn0.',
      `Bearer kinora_${'a'.repeat(43)}`,
      'Basic YTpi',
    ]) {
      const response = await kinora.fetch('/api/videos', { headers: { authorization } });
      expect([response.status, await slug(response)]).toEqual([401, 'invalid-token']);
    }
  });

  it('goes on as nobody with a cookie that is over', async () => {
    const { cookie } = await kinora.signUp('carol@example.org');
    expect((await kinora.seen('/api/videos', { headers: { cookie } })).identity).not.toBeNull();
    await kinora.fetch('/api/auth/sign-out', { method: 'POST', headers: { cookie } });
    expect((await kinora.seen('/api/videos', { headers: { cookie } })).identity).toBeNull();
    expect((await kinora.seen('/api/videos', { headers: { cookie: 'kinora.session_token=forged' } })).identity).toBeNull();
    expect(await slug(await kinora.fetch('/api/me', { headers: { cookie } }))).toBe('not-signed-in');
  });

  it('refuses a change that another site asks for, with or without a cookie', async () => {
    const { cookie } = await kinora.signUp('dan@example.org');
    for (const headers of [
      { origin: 'http://evil.example' },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'null' },
    ])
      for (const [url, own] of [
        ['/api/videos', { cookie }],
        ['/api/auth/sign-in/email', {}],
        ['/api/setup', {}],
      ] as const) {
        const response = await kinora.fetch(url, { method: 'POST', headers: { ...headers, ...own } as Record<string, string> });
        expect([response.status, await slug(response)]).toEqual([403, 'cross-site-request']);
      }
    const same = await kinora.seen('/api/videos', { method: 'POST', headers: { cookie, origin: kinora.url } });
    expect(same.identity).not.toBeNull();
  });

  it('streams a body through', async () => {
    const body = Buffer.alloc(3_000_000, 7);
    const seen = await kinora.seen('/api/videos/x', {
      method: 'PATCH',
      body,
      headers: { 'content-type': 'application/offset+octet-stream' },
    });
    expect(seen).toMatchObject({ method: 'PATCH', bytes: body.length });
  });

  it('keeps the request id that the client gave, and makes one otherwise', async () => {
    const given = await kinora.fetch('/api/videos', { headers: { 'x-request-id': 'abc-1' } });
    expect(given.headers.get('x-request-id')).toBe('abc-1');
    expect((await kinora.fetch('/api/videos', { headers: { 'x-request-id': 'no good' } })).headers.get('x-request-id')).toMatch(
      /^[a-z2-7]{20}$/,
    );
  });

  it.each([
    '/internal/accounts/identity',
    '/internal/accounts/keys',
    '/api/videos/../../internal/accounts/identity',
    '/api/me/%2e%2e/%2e%2e/internal/accounts/keys',
    '/api/me\\..\\..\\internal\\accounts\\keys',
    '//internal/accounts/keys',
  ])('never reaches %s', async (target) => {
    const { status, text } = await raw(kinora.url, target);
    expect([400, 404]).toContain(status);
    expect(text).toContain(problemTypeBase);
  });

  it('answers a problem to an unknown address and to JSON that is none', async () => {
    const unknown = await kinora.fetch('/api/nothing');
    expect([unknown.status, await slug(unknown)]).toEqual([404, 'route-not-found']);
    const broken = await kinora.fetch('/api/auth/sign-in/email', {
      method: 'POST',
      body: '{',
      headers: { 'content-type': 'application/json' },
    });
    expect([broken.status, await slug(broken)]).toEqual([400, 'invalid-json']);
  });

  it('names the service that is not there', async () => {
    const response = await kinora.fetch('/api/assets/x');
    expect(response.status).toBe(503);
    expect(await response.json()).toMatchObject({ type: `${problemTypeBase}service-unavailable`, service: 'transcoding' });
  });

  it('hands media over without asking who it is for', async () => {
    const response = await kinora.fetch('/media/token/asset/main.m3u8', {
      headers: { cookie: 'kinora.session_token=x', authorization: 'Bearer y' },
    });
    const seen = (await response.json()) as { headers: Record<string, string>; identity: unknown };
    expect(seen.identity).toBeNull();
    expect(seen.headers['cookie'] ?? seen.headers['authorization']).toBeUndefined();
    expect(response.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('sends answers that no browser takes for a page', async () => {
    const { headers } = await kinora.fetch('/api/videos');
    expect(headers.get('x-content-type-options')).toBe('nosniff');
    expect(headers.get('content-security-policy')).toContain("default-src 'none'");
    expect(headers.has('strict-transport-security')).toBe(false);
  });

  it('describes every service in one document', async () => {
    const document = (await (await kinora.fetch('/openapi.json')).json()) as { openapi: string; paths: Record<string, object> };
    expect(document.openapi).toBe('3.1.0');
    expect(Object.keys(document.paths)).toEqual(expect.arrayContaining(['/api/me', '/api/auth/sign-in/email', '/api/stream']));
    expect(Object.keys(document.paths).filter((path) => path.startsWith('/internal') || path.startsWith('/health'))).toEqual([]);
    const page = await kinora.fetch('/api/docs');
    expect(await page.text()).toContain('swagger-ui-bundle.js');
    expect((await kinora.fetch('/api/docs/swagger-ui.css')).status).toBe(200);
    expect((await kinora.fetch('/api/docs/index.html')).status).toBe(404);
  });
});

describe('the gateway while accounts is stopped', () => {
  it('signs nobody out who is in, until the token ends', async () => {
    let ms = Date.now();
    const kinora = await install({ apart: true, now: () => new Date(ms), env: { ACCOUNTS_TOKEN_LIFETIME_SECONDS: '3600' } });
    const { cookie, token, accountId } = await kinora.signUp('ann@example.org');
    const stranger = await kinora.signUp('bob@example.org');
    const seen = () => kinora.seen('/api/videos', { headers: { cookie } });
    expect((await seen()).identity?.accountId).toBe(accountId);
    await kinora.stopAccounts();
    ms += 120_000;
    expect((await seen()).identity?.accountId).toBe(accountId);
    const write = await kinora.fetch('/api/videos', { method: 'POST', headers: { cookie } });
    expect(write.status).toBe(200);
    expect((await kinora.seen('/api/videos', { headers: { cookie: stranger.cookie } })).identity).toBeNull();
    const refused = await kinora.fetch('/api/videos', { headers: { authorization: `Bearer ${token}` } });
    expect([refused.status, await slug(refused)]).toEqual([503, 'service-unavailable']);
    ms += 3_600_000;
    expect((await seen()).identity).toBeNull();
    await kinora.stop();
  });
});

describe('limits of the gateway', () => {
  it('answers too-many-requests beyond the limit, but goes on sending media', async () => {
    const kinora = await install({ env: { GATEWAY_REQUESTS_PER_MINUTE: '5' } });
    for (let count = 0; count < 5; count += 1) expect((await kinora.fetch('/api/videos')).status).toBe(200);
    const refused = await kinora.fetch('/api/videos');
    expect([refused.status, await slug(refused)]).toEqual([429, 'too-many-requests']);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await kinora.fetch('/media/t/a/1.m4s')).status).toBe(200);
    await kinora.stop();
  });

  it('counts by the address that a trusted proxy saw, and believes its host', async () => {
    const kinora = await install({ env: { TRUST_PROXY: 'true', GATEWAY_REQUESTS_PER_MINUTE: '1' } });
    const from = (address: string) =>
      kinora.fetch('/api/videos', {
        headers: { 'x-forwarded-for': `9.9.9.9, ${address}`, 'x-forwarded-host': 'kinora.example', 'x-forwarded-proto': 'https' },
      });
    const seen = (await (await from('192.0.2.1')).json()) as { headers: Record<string, string> };
    expect(seen.headers).toMatchObject({
      'x-client-address': '192.0.2.1',
      'x-forwarded-host': 'kinora.example',
      'x-forwarded-proto': 'https',
    });
    expect((await from('192.0.2.1')).status).toBe(429);
    expect((await from('192.0.2.2')).status).toBe(200);
    await kinora.stop();
  });

  it('asks browsers to stay on https when that is the public address', async () => {
    const kinora = await install({ env: { PUBLIC_URL: 'https://kinora.example' } });
    const { headers } = await kinora.fetch('/api/videos', { method: 'POST', headers: { origin: 'https://kinora.example' } });
    expect(headers.get('strict-transport-security')).toContain('max-age=');
    await kinora.stop();
  });
});
