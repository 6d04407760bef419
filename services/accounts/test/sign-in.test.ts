import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { decodeJwt } from 'jose';
import { problemTypeBase } from '@kinora/contracts';
import { install, type Installation } from './installation.ts';

describe('sign-up and sign-in', () => {
  let kinora: Installation;
  beforeAll(async () => {
    kinora = await install({ ACCOUNTS_ATTEMPTS_PER_ADDRESS: '0' });
  });
  afterAll(() => kinora.stop());
  const password = 'correct horse';

  it('signs a new account up and in with a cookie that scripts cannot read', async () => {
    const answer = await kinora.request('POST', '/api/auth/sign-up/email', { email: 'Ann@Example.org', password, name: ' Ann ' });
    expect(answer.status).toBe(200);
    expect(answer.body['user']).toMatchObject({ email: 'ann@example.org', name: 'Ann', role: 'creator' });
    const [line = ''] = answer.headers.getSetCookie();
    expect(line).toMatch(/^kinora\.session_token=/);
    expect(line).toContain('HttpOnly');
    expect(line).toContain('SameSite=Lax');
    expect(line).toContain('Path=/');
    expect(line).not.toContain('Secure');
    const me = await kinora.request('GET', '/api/me', undefined, await kinora.bearer(answer.cookie));
    expect(me.body).toMatchObject({ name: 'Ann', email: 'ann@example.org', role: 'creator' });
    expect(Object.keys(me.body).sort()).toEqual(['accountId', 'createdAt', 'email', 'name', 'role']);
  });

  it('signs in by cookie, by session token and by signed session token', async () => {
    await kinora.signUp('bob@example.org', 'Bob');
    const answer = await kinora.request('POST', '/api/auth/sign-in/email', { email: 'BOB@example.org', password });
    expect(answer.status).toBe(200);
    const signed = answer.headers.get('set-auth-token') ?? '';
    for (const credential of [
      { cookie: answer.cookie },
      { authorization: `Bearer ${answer.body['token'] as string}` },
      { authorization: `bearer ${signed}` },
    ]) {
      const { token = '', expiresAt = '' } = await kinora.identity(credential);
      expect(decodeJwt(token)).toMatchObject({ role: 'creator', name: 'Bob', iss: 'kinora' });
      expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(3_500_000);
    }
  });

  it('answers a wrong password and an unknown e-mail alike', async () => {
    await kinora.signUp('carol@example.org');
    const wrong = await kinora.request('POST', '/api/auth/sign-in/email', { email: 'carol@example.org', password: 'wrong horse' });
    const unknown = await kinora.request('POST', '/api/auth/sign-in/email', { email: 'nobody@example.org', password: 'wrong horse' });
    expect(wrong.status).toBe(401);
    expect(wrong.body.type).toBe(`${problemTypeBase}wrong-credentials`);
    expect({ ...unknown.body, instance: '' }).toEqual({ ...wrong.body, instance: '' });
  });

  it('answers email-taken to a second account, also when both come at once', async () => {
    const body = { email: 'dan@example.org', password, name: 'Dan' };
    const answers = await Promise.all([1, 2, 3].map(() => kinora.request('POST', '/api/auth/sign-up/email', body)));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
    expect(answers.find(({ status }) => status === 409)?.body.type).toBe(`${problemTypeBase}email-taken`);
    const signedIn = await kinora.request('POST', '/api/auth/sign-in/email', { email: body.email, password });
    expect(signedIn.status).toBe(200);
  });

  it.each([
    [{ email: 'no-address', password, name: 'A' }, '/email'],
    [{ email: 'a@b..c', password, name: 'A' }, '/email'],
    [{ email: 'e@example.org', password: 'short', name: 'A' }, '/password'],
    [{ email: 'e@example.org', password, name: ' ' }, '/name'],
    [{ email: 'e@example.org', password, name: 'A', role: 'admin' }, '/role'],
  ])('refuses %j and names the field', async (body, field) => {
    const answer = await kinora.request('POST', '/api/auth/sign-up/email', body);
    expect(answer.status).toBe(400);
    expect(answer.body.type).toBe(`${problemTypeBase}invalid-request`);
    expect((answer.body['errors'] as { path: string }[])[0]?.path).toBe(field);
  });

  it('answers invalid-json to a body that is none', async () => {
    const answer = await kinora.request('POST', '/api/auth/sign-in/email', '{"email":');
    expect([answer.status, answer.body.type]).toEqual([400, `${problemTypeBase}invalid-json`]);
  });

  it('ends the session at sign-out and takes the cookie away', async () => {
    const { cookie } = await kinora.signUp('eve@example.org');
    expect((await kinora.identity({ cookie })).token).toBeDefined();
    const answer = await kinora.request('POST', '/api/auth/sign-out', {}, { cookie });
    expect(answer.status).toBe(200);
    expect(answer.headers.getSetCookie()[0]).toContain('Max-Age=0');
    expect(await kinora.identity({ cookie })).toEqual({});
  });

  it('changes the password, ends other sessions and keeps this one', async () => {
    const other = await kinora.signUp('fay@example.org');
    const { cookie } = await kinora.request('POST', '/api/auth/sign-in/email', { email: 'fay@example.org', password });
    const wrong = await kinora.request(
      'POST',
      '/api/auth/change-password',
      { currentPassword: 'wrong', newPassword: 'battery staple' },
      { cookie },
    );
    expect([wrong.status, wrong.body.type]).toEqual([401, `${problemTypeBase}wrong-credentials`]);
    const changed = await kinora.request(
      'POST',
      '/api/auth/change-password',
      { currentPassword: password, newPassword: 'battery staple' },
      { cookie },
    );
    expect(changed.status).toBe(200);
    expect(await kinora.identity({ cookie: other.cookie })).toEqual({});
    expect((await kinora.identity({ cookie: changed.cookie })).token).toBeDefined();
    expect((await kinora.request('POST', '/api/auth/sign-in/email', { email: 'fay@example.org', password: 'battery staple' })).status).toBe(
      200,
    );
  });

  it('gives the session, or null', async () => {
    const { cookie, accountId } = await kinora.signUp('gus@example.org');
    expect((await kinora.request('GET', '/api/auth/get-session', undefined, { cookie })).body['user']).toMatchObject({ id: accountId });
    expect((await kinora.request('GET', '/api/auth/get-session')).body).toBeNull();
  });

  it.each(['/api/auth/sign-in/social', '/api/auth/update-user', '/api/auth/delete-user', '/api/auth/ok'])('has no %s', async (path) => {
    expect((await kinora.request('POST', path, {})).status).toBe(404);
  });

  it.each([
    ['a forged cookie', { cookie: 'kinora.session_token=abc.def' }],
    ['a cookie signed by somebody else', { cookie: `kinora.session_token=${'a'.repeat(32)}.${'b'.repeat(43)}%3D` }],
    ['a forged token', { authorization: 'Bearer abcdefghijklmnop' }],
    ['a forged API key', { authorization: `Bearer kinora_${'a'.repeat(43)}` }],
    ['another scheme', { authorization: 'Basic YTpi' }],
    ['nothing', {}],
  ])('gives no identity to %s', async (_what, credential) => {
    expect(await kinora.identity(credential)).toEqual({});
  });

  it('keeps people signed in over a restart', async () => {
    const { cookie } = await kinora.signUp('hal@example.org');
    const { authorization } = await kinora.bearer(cookie);
    await kinora.restart();
    expect((await kinora.identity({ cookie })).token).toBeDefined();
    expect((await kinora.request('GET', '/api/me', undefined, { authorization })).status).toBe(200);
  });
});

describe('sign-up with settings', () => {
  it('answers sign-up-closed when new accounts are not open', async () => {
    const kinora = await install({ ACCOUNTS_SIGN_UP: 'closed' });
    const answer = await kinora.request('POST', '/api/auth/sign-up/email', {
      email: 'a@example.org',
      password: 'correct horse',
      name: 'A',
    });
    expect([answer.status, answer.body.type]).toEqual([403, `${problemTypeBase}sign-up-closed`]);
    expect((await kinora.request('GET', '/api/setup')).body).toEqual({ needsSetup: true, signUpOpen: false });
    await kinora.stop();
  });

  it('makes cookies Secure and new accounts viewers when told to', async () => {
    const kinora = await install({ PUBLIC_URL: 'https://kinora.example', ACCOUNTS_DEFAULT_ROLE: 'viewer' });
    const answer = await kinora.request('POST', '/api/auth/sign-up/email', {
      email: 'a@example.org',
      password: 'correct horse',
      name: 'A',
    });
    expect(answer.headers.getSetCookie()[0]).toMatch(/^__Secure-kinora\.session_token=.*; Secure/);
    expect(answer.body['user']).toMatchObject({ role: 'viewer' });
    expect((await kinora.identity({ cookie: answer.cookie })).token).toBeDefined();
    await kinora.stop();
  });

  it('limits failed sign-ins per e-mail and per address, and tells when to try again', async () => {
    const kinora = await install({ ACCOUNTS_ATTEMPTS_PER_EMAIL: '2', ACCOUNTS_ATTEMPTS_PER_ADDRESS: '4' });
    const attempt = (email: string, password = 'wrong horse') =>
      kinora.request('POST', '/api/auth/sign-in/email', { email, password }, { 'x-client-address': '192.0.2.7' });
    await kinora.signUp('ann@example.org');
    for (let success = 0; success < 5; success += 1) expect((await attempt('ann@example.org', 'correct horse')).status).toBe(200);
    for (const email of ['ann@example.org', 'ANN@example.org']) expect((await attempt(email)).status).toBe(401);
    const refused = await attempt('ann@example.org', 'correct horse');
    expect([refused.status, refused.body.type]).toEqual([429, `${problemTypeBase}too-many-requests`]);
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0);
    expect((await attempt('bob@example.org')).status).toBe(401);
    expect((await attempt('carol@example.org')).status).toBe(429);
    await kinora.stop();
  });
});
