import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { openDocuments, type Documents } from '@kinora/documents';
import { openBus, type Envelope } from '@kinora/messaging';
import { newId, problemTypeBase, topology } from '@kinora/contracts';
import path from 'node:path';
import { install, type Installation } from './installation.ts';

const slug = (body: { type?: string }): string => (body.type ?? '').slice(problemTypeBase.length);

describe('API keys', () => {
  let kinora: Installation;
  let headers: { authorization: string };
  let accountId: string;
  beforeAll(async () => {
    kinora = await install();
    const signedUp = await kinora.signUp('ann@example.org');
    accountId = signedUp.accountId;
    headers = await kinora.bearer(signedUp.cookie);
  });
  afterAll(() => kinora.stop());

  it('shows a key once and takes it wherever the cookie does', async () => {
    const made = await kinora.request('POST', '/api/me/api-keys', { name: 'uploader' }, headers);
    expect(made.status).toBe(201);
    const key = made.body['key'] as string;
    expect(key).toMatch(/^kinora_/);
    const { token } = await kinora.identity({ authorization: `Bearer ${key}` });
    expect((await kinora.request('GET', '/api/me', undefined, { authorization: `Bearer ${token}` })).body['accountId']).toBe(accountId);
    const listed = await kinora.request('GET', '/api/me/api-keys', undefined, headers);
    expect(listed.body).toEqual([{ apiKeyId: made.body['apiKeyId'], name: 'uploader', createdAt: made.body['createdAt'] }]);
  });

  it('stops taking a key that was deleted', async () => {
    const { body } = await kinora.request('POST', '/api/me/api-keys', { name: 'old' }, headers);
    expect((await kinora.request('DELETE', `/api/me/api-keys/${body['apiKeyId'] as string}`, undefined, headers)).status).toBe(204);
    expect(await kinora.identity({ authorization: `Bearer ${body['key'] as string}` })).toEqual({});
  });

  it('lets nobody delete the key of another account', async () => {
    const { body } = await kinora.request('POST', '/api/me/api-keys', { name: 'mine' }, headers);
    const other = await kinora.bearer((await kinora.signUp('bob@example.org')).cookie);
    expect((await kinora.request('DELETE', `/api/me/api-keys/${body['apiKeyId'] as string}`, undefined, other)).status).toBe(404);
    expect((await kinora.identity({ authorization: `Bearer ${body['key'] as string}` })).token).toBeDefined();
  });

  it('keeps no key in the database, only its hash', async () => {
    const { body } = await kinora.request('POST', '/api/me/api-keys', { name: 'hashed' }, headers);
    const documents = openDocuments(`sqlite:${path.join(kinora.dataDir, 'documents')}`, 'accounts');
    const keys = documents.collection<{ _id: string }>('apiKeys', { indexes: [] });
    await documents.ready();
    expect(JSON.stringify(await keys.find({}))).not.toContain((body['key'] as string).slice(7));
    await documents.close();
  });

  it.each([
    ['GET', '/api/me'],
    ['DELETE', '/api/me'],
    ['GET', '/api/me/api-keys'],
    ['GET', '/api/accounts'],
  ])('answers 401 to %s %s of nobody', async (method, url) => {
    const answer = await kinora.request(method, url);
    expect([answer.status, slug(answer.body)]).toEqual([401, 'not-signed-in']);
  });
});

describe('accounts as admins see them', () => {
  let kinora: Installation;
  let admin: { authorization: string };
  beforeEach(async () => {
    kinora = await install({ ACCOUNTS_ADMIN_EMAIL: 'root@example.org', ACCOUNTS_ADMIN_PASSWORD: 'correct horse' });
    const { cookie } = await kinora.request('POST', '/api/auth/sign-in/email', { email: 'root@example.org', password: 'correct horse' });
    admin = await kinora.bearer(cookie);
  });

  async function withEvents<T>(type: string, work: () => Promise<T>): Promise<{ result: T; event: Envelope }> {
    const bus = openBus(`sqlite:${path.join(kinora.dataDir, 'bus.sqlite')}`, { topology });
    await bus.ready();
    const heard = new Promise<Envelope>((resolve) => bus.listen([type], resolve));
    const result = await work();
    const event = await heard;
    await bus.close();
    return { result, event };
  }

  it('lists them newest first, in pages', async () => {
    for (const name of ['one', 'two', 'three']) await kinora.signUp(`${name}@example.org`, name);
    const names: unknown[] = [];
    for (let after: string | undefined = ''; after !== undefined;) {
      const page = await kinora.request('GET', `/api/accounts?limit=2${after && `&after=${encodeURIComponent(after)}`}`, undefined, admin);
      names.push(...(page.body['items'] as { name: string }[]).map(({ name }) => name));
      after = page.body['next'] as string | undefined;
    }
    expect(names).toEqual(['three', 'two', 'one', 'root']);
    await kinora.stop();
  });

  it('changes a role, which the next identity has', async () => {
    const { accountId, cookie } = await kinora.signUp('ann@example.org');
    const changed = await kinora.request('PATCH', `/api/accounts/${accountId}`, { role: 'admin' }, admin);
    expect(changed.body).toMatchObject({ accountId, role: 'admin' });
    expect((await kinora.request('GET', '/api/accounts', undefined, await kinora.bearer(cookie))).status).toBe(200);
    await kinora.stop();
  });

  it('answers forbidden to everybody else', async () => {
    const { accountId, cookie } = await kinora.signUp('ann@example.org');
    const headers = await kinora.bearer(cookie);
    for (const [method, url, body] of [
      ['GET', '/api/accounts'],
      ['PATCH', `/api/accounts/${accountId}`, { role: 'admin' }],
      ['DELETE', `/api/accounts/${accountId}`],
    ] as const)
      expect(slug((await kinora.request(method, url, body, headers)).body)).toBe('forbidden');
    await kinora.stop();
  });

  it('keeps the last admin', async () => {
    const { body } = await kinora.request('GET', '/api/me', undefined, admin);
    const url = `/api/accounts/${body['accountId'] as string}`;
    expect((await kinora.request('PATCH', url, { role: 'viewer' }, admin)).status).toBe(409);
    expect((await kinora.request('DELETE', url, undefined, admin)).status).toBe(409);
    expect((await kinora.request('DELETE', '/api/me', undefined, admin)).status).toBe(409);
    expect((await kinora.request('DELETE', `/api/accounts/${newId()}`, undefined, admin)).status).toBe(404);
    await kinora.stop();
  });

  it('tells when an account is made, and when it goes takes its sessions, keys and e-mail along', async () => {
    const made = await withEvents('account.created', () => kinora.signUp('ann@example.org'));
    const { accountId, cookie } = made.result;
    expect(made.event).toMatchObject({ source: 'accounts', subject: accountId, data: { accountId, name: 'Ann' } });
    const headers = await kinora.bearer(cookie);
    const key = (await kinora.request('POST', '/api/me/api-keys', { name: 'k' }, headers)).body['key'] as string;
    const gone = await withEvents('account.deleted', () => kinora.request('DELETE', '/api/me', undefined, headers));
    expect(gone.event.data).toEqual({ accountId });
    expect(await kinora.identity({ cookie })).toEqual({});
    expect(await kinora.identity({ authorization: `Bearer ${key}` })).toEqual({});
    expect((await kinora.request('GET', '/api/me', undefined, headers)).status).toBe(401);
    await kinora.restart();
    expect((await kinora.signUp('ann@example.org')).accountId).not.toBe(accountId);
    await kinora.stop();
  });
});

describe('what is kept', () => {
  it('loses credentials that a crash in the middle of a sign-up left behind', async () => {
    const kinora = await install();
    await kinora.signUp('ann@example.org');
    await kinora.host.stop();
    const open = async () => {
      const documents: Documents = openDocuments(`sqlite:${path.join(kinora.dataDir, 'documents')}`, 'accounts');
      const credentials = documents.collection<{ _id: string; accountId: string; createdAt: string }>('credentials', { indexes: [] });
      await documents.ready();
      return { documents, credentials };
    };
    const before = await open();
    const createdAt = new Date(Date.now() - 2 * 3_600_000).toISOString();
    await before.credentials.insertOne({ _id: newId(), accountId: newId(), createdAt });
    await before.documents.close();
    await kinora.restart();
    const { documents, credentials } = await open();
    const deadline = Date.now() + 60_000;
    while ((await credentials.countDocuments({})) > 1 && Date.now() < deadline) await new Promise((resolve) => setImmediate(resolve));
    expect(await credentials.countDocuments({})).toBe(1);
    await documents.close();
    await kinora.stop();
  });
});
