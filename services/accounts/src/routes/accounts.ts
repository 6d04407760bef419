import { Type } from 'typebox';
import { AccountPage, ApiKey, ChangeAccount, CreateApiKey, Id, ListAccounts, Me, newId, Problem, type Role } from '@kinora/contracts';
import { signedIn, type App } from '@kinora/service';
import { hashApiKey, newApiKey } from '../api-key.ts';
import type { AccountDocument, ApiKeyDocument, Store } from '../store.ts';

const tags = ['accounts'];
const keysPerAccount = 50;

const toMe = ({ _id, name, email, role, createdAt }: AccountDocument): Me => ({ accountId: _id, name, email, role, createdAt });
const toApiKey = ({ _id, name, createdAt }: ApiKeyDocument): ApiKey => ({ apiKeyId: _id, name, createdAt });

/** Cursor of a page: the last account on it. */
const cursorOf = ({ createdAt, _id }: AccountDocument): string => `${createdAt}_${_id}`;
function parseCursor(after: string): { createdAt: string; accountId: string } {
  const [createdAt = '', accountId = '', ...more] = after.split('_');
  if (accountId === '' || more.length > 0)
    throw new Problem('invalid-request', { detail: 'querystring/after is not a cursor of this list' });
  return { createdAt, accountId };
}

async function remove(store: Store, accountId: string): Promise<void> {
  const account = await store.findAccount(accountId);
  if (!account) throw new Problem('not-found');
  if (account.role === 'admin' && !(await store.hasAdmin(accountId)))
    throw new Problem('conflict', { detail: 'The last admin cannot go.' });
  await store.removeAccount(accountId);
  await store.removeBelongings(accountId);
}

async function changeRole(store: Store, accountId: string, role: Role): Promise<AccountDocument> {
  const account = await store.findAccount(accountId);
  if (account?.role === 'admin' && role !== 'admin' && !(await store.hasAdmin(accountId)))
    throw new Problem('conflict', { detail: 'The last admin stays admin.' });
  const changed = account && (await store.changeRole(accountId, role));
  if (!changed) throw new Problem('not-found');
  return changed;
}

/** What an account can do with itself. */
export const meRoutes =
  (store: Store) =>
  (app: App): void => {
    app.get('/api/me', { schema: { tags, summary: 'The account that asks', response: { 200: Me } } }, async (request) => {
      const account = await store.findAccount(signedIn(request).accountId);
      if (!account) throw new Problem('not-signed-in');
      return toMe(account);
    });
    app.delete('/api/me', { schema: { tags, summary: 'Delete the account and all that is its own' } }, async (request, reply) => {
      await remove(store, signedIn(request).accountId);
      return reply.code(204).send();
    });
  };

/** API keys of the account that asks. */
export const apiKeyRoutes =
  (store: Store, now: () => Date) =>
  (app: App): void => {
    app.get(
      '/api/me/api-keys',
      { schema: { tags, summary: 'API keys, without the keys', response: { 200: Type.Array(ApiKey) } } },
      async (request) => (await store.listApiKeys(signedIn(request).accountId)).map(toApiKey),
    );
    app.post(
      '/api/me/api-keys',
      { schema: { tags, summary: 'Make an API key, shown this once', body: CreateApiKey, response: { 201: ApiKey } } },
      async (request, reply) => {
        const { accountId } = signedIn(request);
        if ((await store.countApiKeys(accountId)) >= keysPerAccount)
          throw new Problem('conflict', { detail: `An account has at most ${keysPerAccount} API keys.` });
        const key = newApiKey();
        const document = { _id: newId(), accountId, name: request.body.name, hash: hashApiKey(key), createdAt: now().toISOString() };
        await store.insertApiKey(document);
        return reply
          .code(201)
          .header('cache-control', 'no-store')
          .send({ ...toApiKey(document), key });
      },
    );
    app.delete(
      '/api/me/api-keys/:apiKeyId',
      { schema: { tags, summary: 'Delete an API key', params: Type.Object({ apiKeyId: Id }) } },
      async (request, reply) => {
        if (!(await store.deleteApiKey(signedIn(request).accountId, request.params.apiKeyId))) throw new Problem('not-found');
        return reply.code(204).send();
      },
    );
  };

/** What admins can do with every account. */
export const adminRoutes =
  (store: Store) =>
  (app: App): void => {
    const params = Type.Object({ accountId: Id });
    const onlyAdmins = async (request: Parameters<typeof signedIn>[0]): Promise<void> => {
      if (signedIn(request).role !== 'admin') throw new Problem('forbidden');
    };
    app.get(
      '/api/accounts',
      {
        onRequest: onlyAdmins,
        schema: { tags, summary: 'Accounts, newest first (admins)', querystring: ListAccounts, response: { 200: AccountPage } },
      },
      async ({ query: { after, limit = 50 } }) => {
        const found = await store.listAccounts({ after: after === undefined ? undefined : parseCursor(after), limit: limit + 1 });
        const items = found.slice(0, limit);
        const last = items.at(-1);
        return { items: items.map(toMe), ...(found.length > limit && last ? { next: cursorOf(last) } : {}) };
      },
    );
    app.patch(
      '/api/accounts/:accountId',
      { onRequest: onlyAdmins, schema: { tags, summary: 'Change a role (admins)', params, body: ChangeAccount, response: { 200: Me } } },
      async ({ params: { accountId }, body: { role } }) => toMe(await changeRole(store, accountId, role)),
    );
    app.delete(
      '/api/accounts/:accountId',
      { onRequest: onlyAdmins, schema: { tags, summary: 'Delete an account (admins)', params } },
      async (request, reply) => {
        await remove(store, request.params.accountId);
        return reply.code(204).send();
      },
    );
  };
