/** Several replicas of accounts on one database, over whatever ports the environment given names. */
import { rm } from 'node:fs/promises';
import { afterEach, describe, expect, it } from '@jest/globals';
import type { IdentityAnswer } from '@kinora/contracts';
import { openLog, startHost, type Host } from '@kinora/service';
import { accounts } from '../src/service.ts';

/** Where an installation that has never run keeps its data. */
export interface Place {
  readonly dataDir: string;
  readonly env: Readonly<Record<string, string>>;
}

const admin = { email: 'root@example.org', password: 'correct horse' };

async function ask<T>({ url }: Host, method: string, path: string, body?: unknown, headers: Record<string, string> = {}): Promise<T> {
  const response = await fetch(url + path, {
    method,
    headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${text}`);
  return JSON.parse(text) as T;
}

/** The suite, over the places that `newPlace` gives. */
export function replicasSuite(newPlace: () => Promise<Place>): void {
  let hosts: Host[] = [];
  let place: Place | undefined;
  const start = async (count: number, env: Readonly<Record<string, string>> = {}): Promise<Host[]> => {
    const { dataDir, env: ports } = (place ??= await newPlace());
    const starting = Array.from({ length: count }, () =>
      startHost({ definitions: [accounts], env: { PORT: '0', DATA_DIR: dataDir, ...ports, ...env }, log: openLog('silent') }),
    );
    const started = await Promise.allSettled(starting);
    hosts.push(...started.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : [])));
    await Promise.all(starting);
    return hosts;
  };
  afterEach(async () => {
    await Promise.all(hosts.map((host) => host.stop()));
    if (place) await rm(place.dataDir, { recursive: true, force: true });
    [hosts, place] = [[], undefined];
  });

  describe('replicas that start at once on nothing', () => {
    it('make one admin of the settings, one signing key and one session secret', async () => {
      const replicas = await start(4, { ACCOUNTS_ADMIN_EMAIL: admin.email, ACCOUNTS_ADMIN_PASSWORD: admin.password });
      const keys = await Promise.all(replicas.map((replica) => ask<unknown>(replica, 'GET', '/internal/accounts/keys')));
      for (const each of keys) expect(each).toEqual(keys[0]);
      // Every replica lets the admin in, and every other one believes its session.
      for (const replica of replicas) {
        const { token } = await ask<{ token: string }>(replica, 'POST', '/api/auth/sign-in/email', admin);
        for (const other of replicas) {
          const credential = { authorization: `Bearer ${token}` };
          const identity = await ask<IdentityAnswer>(other, 'POST', '/internal/accounts/identity', credential);
          const page = await ask<{ items: unknown[] }>(replica, 'GET', '/api/accounts', undefined, {
            authorization: `Bearer ${identity.token}`,
          });
          expect(page.items).toEqual([expect.objectContaining({ email: admin.email, role: 'admin' })]);
        }
      }
    });

    it('offer one set-up code, which makes one admin at whichever replica it is given', async () => {
      const replicas = await start(3, { ACCOUNTS_SETUP_CODE: 'open sesame' });
      const body = { name: 'Root', password: admin.password, code: 'open sesame' };
      const answers = await Promise.allSettled(
        replicas.map((replica, index) => ask(replica, 'POST', '/api/setup', { ...body, email: `root${index}@example.org` })),
      );
      expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      for (const replica of replicas) expect(await ask(replica, 'GET', '/api/setup')).toEqual({ needsSetup: false, signUpOpen: true });
    });
  });

  describe('what one replica has done', () => {
    it('holds at the others: an e-mail is taken, a key works and is gone', async () => {
      const [one, two] = (await start(2)) as [Host, Host];
      const ann = { name: 'Ann', email: 'ann@example.org', password: 'correct horse' };
      const made = await Promise.allSettled([one, two].map((host) => ask<{ token: string }>(host, 'POST', '/api/auth/sign-up/email', ann)));
      expect(made.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      const { token } = made.find((each) => each.status === 'fulfilled')?.value ?? { token: '' };
      const bearer = async (host: Host, credential: string): Promise<{ authorization: string }> => {
        const answer = await ask<IdentityAnswer>(host, 'POST', '/internal/accounts/identity', { authorization: `Bearer ${credential}` });
        return { authorization: `Bearer ${answer.token ?? ''}` };
      };
      const { key, apiKeyId } = await ask<{ key: string; apiKeyId: string }>(
        one,
        'POST',
        '/api/me/api-keys',
        { name: 'key' },
        await bearer(one, token),
      );
      expect(await ask(two, 'GET', '/api/me', undefined, await bearer(two, key))).toMatchObject({ email: ann.email });
      const removal = await fetch(`${two.url}/api/me/api-keys/${apiKeyId}`, { method: 'DELETE', headers: await bearer(two, token) });
      expect(removal.status).toBe(204);
      expect(await ask(one, 'POST', '/internal/accounts/identity', { authorization: `Bearer ${key}` })).toEqual({});
    });
  });
}
