import { readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { problemTypeBase } from '@kinora/contracts';
import { ConfigError } from '@kinora/service';
import { readConfig } from '../src/config.ts';
import { install, type Installation } from './installation.ts';

const slug = (body: { type?: string }): string => (body.type ?? '').slice(problemTypeBase.length);
const ann = { name: 'Ann', email: 'ann@example.org', password: 'correct horse' };

describe('set-up', () => {
  let kinora: Installation;
  const file = (): string => path.join(kinora.dataDir, 'setup-code');
  beforeEach(async () => {
    kinora = await install();
  });
  afterEach(() => kinora.stop());

  it('makes the first admin with the code in the file, signs in, and takes the file away', async () => {
    expect((await kinora.request('GET', '/api/setup')).body).toEqual({ needsSetup: true, signUpOpen: true });
    expect((await stat(file())).mode & 0o777).toBe(0o600);
    const code = (await readFile(file(), 'utf8')).trim();
    const answer = await kinora.request('POST', '/api/setup', { ...ann, code: code.toUpperCase().replaceAll('-', ' ') });
    expect(answer.status).toBe(200);
    expect((await kinora.request('GET', '/api/me', undefined, await kinora.bearer(answer.cookie))).body).toMatchObject({
      email: ann.email,
      role: 'admin',
    });
    expect((await kinora.request('GET', '/api/setup')).body).toEqual({ needsSetup: false, signUpOpen: true });
    await expect(stat(file())).rejects.toThrow('ENOENT');
    const second = await kinora.request('POST', '/api/setup', { ...ann, email: 'bob@example.org', code });
    expect([second.status, slug(second.body)]).toEqual([409, 'already-set-up']);
  });

  it('keeps the code over a restart until it is used', async () => {
    const code = await readFile(file(), 'utf8');
    await kinora.restart();
    expect(await readFile(file(), 'utf8')).toBe(code);
  });

  it('makes one admin when the code comes twice at once', async () => {
    const code = (await readFile(file(), 'utf8')).trim();
    const answers = await Promise.all(
      ['a', 'b', 'c'].map((name) => kinora.request('POST', '/api/setup', { ...ann, email: `${name}@example.org`, code })),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409]);
  });

  it('takes the code again when the admin could not be made', async () => {
    const code = (await readFile(file(), 'utf8')).trim();
    await kinora.signUp(ann.email);
    expect(slug((await kinora.request('POST', '/api/setup', { ...ann, code })).body)).toBe('email-taken');
    expect((await kinora.request('POST', '/api/setup', { ...ann, email: 'root@example.org', code })).status).toBe(200);
  });
});

describe('set-up with settings', () => {
  it('refuses wrong codes, and soon any code, from an address that tries them out', async () => {
    const kinora = await install({ ACCOUNTS_SETUP_CODE: 'open sesame', ACCOUNTS_ATTEMPTS_PER_ADDRESS: '3' });
    const attempt = (code: string, address: string) =>
      kinora.request('POST', '/api/setup', { ...ann, code }, { 'x-client-address': address });
    for (const code of ['a', 'open', 'open sesame!']) expect(slug((await attempt(code, '192.0.2.1')).body)).toBe('wrong-setup-code');
    const refused = await attempt('open sesame', '192.0.2.1');
    expect([refused.status, refused.headers.has('retry-after')]).toEqual([429, true]);
    expect((await attempt('Open-Sesame', '192.0.2.2')).status).toBe(200);
    await kinora.stop();
  });

  it('makes the admin of the settings at start, once', async () => {
    const env = { ACCOUNTS_ADMIN_EMAIL: 'Root@example.org', ACCOUNTS_ADMIN_PASSWORD: 'correct horse' };
    const kinora = await install(env);
    expect((await kinora.request('GET', '/api/setup')).body).toEqual({ needsSetup: false, signUpOpen: true });
    await kinora.restart();
    const answer = await kinora.request('POST', '/api/auth/sign-in/email', { email: 'root@example.org', password: 'correct horse' });
    expect(answer.body['user']).toMatchObject({ role: 'admin' });
    await kinora.stop();
  });

  it('reports e-mail without password, and unknown settings, as faults', () => {
    expect(() => readConfig({ ACCOUNTS_ADMIN_EMAIL: 'a@example.org' })).toThrow(ConfigError);
    expect(() => readConfig({ ACCOUNTS_ADMIN_EMAIL: 'nobody', ACCOUNTS_ADMIN_PASSWORD: 'correct horse' })).toThrow(
      'must be an e-mail address',
    );
    expect(() => readConfig({ ACCOUNTS_SIGNUP: 'open' })).toThrow('ACCOUNTS_SIGNUP is not a setting');
    expect(() => readConfig({ ACCOUNTS_DEFAULT_ROLE: 'admin' })).toThrow('must be one of viewer, creator');
  });
});
