/** What better-auth expects of a database adapter, on the documents port. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { DuplicateKeyError, openDocuments, type Collection, type Documents } from '@kinora/documents';
import { newId } from '@kinora/contracts';
import { documentsAdapter } from '../src/documents-adapter.ts';

interface Row {
  readonly _id: string;
  readonly [field: string]: string | number | boolean | null;
}

/** A database made for the suite. */
export interface Place {
  readonly url: string;
  cleanUp(): Promise<void>;
}

/** Runs the suite with documents at the place that `make` makes. */
export function documentsAdapterSuite(name: string, make: () => Promise<Place>): void {
  describe(`documentsAdapter over ${name}`, () => {
    let place: Place;
    let documents: Documents;
    let collections: Record<'accounts' | 'sessions' | 'credentials', Collection<Row>>;
    let adapter: ReturnType<ReturnType<typeof documentsAdapter>>;
    const written: string[] = [];

    beforeAll(async () => {
      place = await make();
      documents = openDocuments(place.url, 'accounts');
      collections = {
        accounts: documents.collection<Row>('accounts', { indexes: [{ keys: { email: 1 }, unique: true }] }),
        sessions: documents.collection<Row>('sessions', { indexes: [{ keys: { token: 1 }, unique: true }, { keys: { accountId: 1 } }] }),
        credentials: documents.collection<Row>('credentials', { indexes: [{ keys: { accountId: 1 } }] }),
      };
      await documents.ready();
      const insert = async (document: Row): Promise<void> => {
        written.push(document._id);
        await collections.accounts.insertOne(document);
      };
      adapter = documentsAdapter({ collections: collections, outboxed: { accounts: insert } })({
        user: { modelName: 'accounts' },
        session: { modelName: 'sessions', fields: { userId: 'accountId' } },
        account: { modelName: 'credentials', fields: { userId: 'accountId', accountId: 'providerAccountId' } },
        advanced: { database: { generateId: () => newId() } },
      });
    });
    beforeEach(async () => {
      for (const collection of Object.values(collections)) await collection.deleteMany({});
    });
    afterAll(async () => {
      await documents.close();
      await place.cleanUp();
    });

    const at = new Date('2026-11-23T08:00:00.000Z');
    const user = (email: string, change = {}) => ({ name: 'Ann', email, emailVerified: false, createdAt: at, updatedAt: at, ...change });
    const create = (email: string, change = {}) =>
      adapter.create<Record<string, unknown>, { id: string; email: string; createdAt: Date }>({ model: 'user', data: user(email, change) });
    const emails = async (where: Parameters<typeof adapter.findMany>[0]['where']): Promise<string[]> =>
      (await adapter.findMany<{ email: string }>({ model: 'user', where, sortBy: { field: 'email', direction: 'asc' } })).map(
        ({ email }) => email,
      );

    it('keeps ids as _id and dates as ISO strings, and gives them back as id and Date', async () => {
      const made = await create('a@x.org');
      expect(made.createdAt).toEqual(at);
      expect(await collections.accounts.findOne({ _id: made.id })).toMatchObject({
        email: 'a@x.org',
        createdAt: at.toISOString(),
        version: 0,
      });
      const found = await adapter.findOne<{ id: string; createdAt: Date; emailVerified: boolean }>({
        model: 'user',
        where: [{ field: 'id', value: made.id }],
      });
      expect(found).toMatchObject({ id: made.id, createdAt: at, emailVerified: false });
      expect(found).not.toHaveProperty('_id');
    });

    it('renames fields both ways, and joins', async () => {
      const { id } = await create('a@x.org');
      await adapter.create({
        model: 'account',
        data: { userId: id, accountId: id, providerId: 'credential', password: 'p', createdAt: at, updatedAt: at },
      });
      expect(await collections.credentials.findOne({ accountId: id })).toMatchObject({ providerAccountId: id });
      const found = await adapter.findOne<{ account: { userId: string }[] }>({
        model: 'user',
        where: [{ field: 'email', value: 'a@x.org' }],
        join: { account: true },
      });
      expect(found?.account).toMatchObject([{ userId: id, accountId: id }]);
    });

    it.each([
      ['eq', 'b@x.org', ['b@x.org']],
      ['ne', 'b@x.org', ['a@x.org', 'c.d@y.org']],
      ['in', ['a@x.org', 'c.d@y.org'], ['a@x.org', 'c.d@y.org']],
      ['not_in', ['a@x.org'], ['b@x.org', 'c.d@y.org']],
      ['gt', 'a@x.org', ['b@x.org', 'c.d@y.org']],
      ['gte', 'b@x.org', ['b@x.org', 'c.d@y.org']],
      ['lt', 'b@x.org', ['a@x.org']],
      ['lte', 'b@x.org', ['a@x.org', 'b@x.org']],
      ['contains', '.d@', ['c.d@y.org']],
      ['starts_with', 'b', ['b@x.org']],
      ['ends_with', 'x.org', ['a@x.org', 'b@x.org']],
      ['contains', 'x?org', []],
    ] as const)('finds by %s %j', async (operator, value, expected) => {
      for (const email of ['a@x.org', 'b@x.org', 'c.d@y.org']) await create(email);
      expect(await emails([{ field: 'email', operator, value: value as string }])).toEqual(expected);
    });

    it('finds whatever the case when asked to', async () => {
      await create('a@x.org', { name: 'Ann' });
      for (const [operator, value] of [
        ['eq', 'aNN'],
        ['in', ['ANN']],
        ['contains', 'NN'],
        ['starts_with', 'an'],
      ] as const)
        expect(await emails([{ field: 'name', operator, value: value as string, mode: 'insensitive' }])).toEqual(['a@x.org']);
      expect(await emails([{ field: 'name', operator: 'ne', value: 'ANN', mode: 'insensitive' }])).toEqual([]);
    });

    it('takes AND, OR, null, dates, sort, limit and offset', async () => {
      for (const [email, name] of [
        ['a@x.org', 'A'],
        ['b@x.org', 'B'],
        ['c@x.org', 'C'],
      ] as const)
        await create(email, { name, image: email === 'b@x.org' ? 'i' : null });
      expect(
        await emails([
          { field: 'name', value: 'A', connector: 'OR' },
          { field: 'name', value: 'C', connector: 'OR' },
        ]),
      ).toEqual(['a@x.org', 'c@x.org']);
      expect(await emails([{ field: 'image', value: null }])).toEqual(['a@x.org', 'c@x.org']);
      expect(await emails([{ field: 'image', operator: 'ne', value: null }])).toEqual(['b@x.org']);
      expect(
        await emails([
          { field: 'createdAt', operator: 'lte', value: at },
          { field: 'name', operator: 'gt', value: 'A' },
        ]),
      ).toEqual(['b@x.org', 'c@x.org']);
      const page = await adapter.findMany<{ email: string }>({
        model: 'user',
        sortBy: { field: 'email', direction: 'desc' },
        limit: 1,
        offset: 1,
      });
      expect(page.map(({ email }) => email)).toEqual(['b@x.org']);
      expect(await adapter.count({ model: 'user', where: [{ field: 'name', operator: 'in', value: ['A', 'B'] }] })).toBe(2);
    });

    it('updates one, updates many, deletes one, deletes many', async () => {
      for (const email of ['a@x.org', 'b@x.org', 'c@x.org']) await create(email);
      expect(await adapter.update({ model: 'user', where: [{ field: 'email', value: 'a@x.org' }], update: { name: 'Z' } })).toMatchObject({
        name: 'Z',
      });
      expect(await collections.accounts.findOne({ email: 'a@x.org' })).toMatchObject({ name: 'Z', version: 1 });
      expect(await adapter.update({ model: 'user', where: [{ field: 'email', value: 'nobody' }], update: { name: 'Z' } })).toBeNull();
      expect(await adapter.updateMany({ model: 'user', where: [{ field: 'name', value: 'Ann' }], update: { name: 'Y' } })).toBe(2);
      await adapter.delete({ model: 'user', where: [{ field: 'email', value: 'a@x.org' }] });
      expect(await adapter.deleteMany({ model: 'user', where: [{ field: 'name', value: 'Y' }] })).toBe(2);
    });

    it('gives a document that is consumed to one caller only', async () => {
      await adapter.create({ model: 'session', data: { userId: newId(), token: 't', expiresAt: at, createdAt: at, updatedAt: at } });
      const consume = () => adapter.consumeOne<{ token: string }>({ model: 'session', where: [{ field: 'token', value: 't' }] });
      const results = await Promise.all([consume(), consume(), consume()]);
      expect(results.filter((result) => result !== null)).toHaveLength(1);
    });

    it('does not see an account that is being removed', async () => {
      await create('a@x.org');
      await collections.accounts.updateOne({ email: 'a@x.org' }, { $set: { removedAt: at.toISOString() } });
      expect(await emails([])).toEqual([]);
    });

    it('refuses a second account with the same e-mail', async () => {
      await create('a@x.org');
      await expect(create('a@x.org')).rejects.toThrow(DuplicateKeyError);
    });

    it('writes the account last in a transaction, and not at all when the transaction fails', async () => {
      written.length = 0;
      await adapter.transaction(async (within) => {
        const { id } = await within.create<Record<string, unknown>, { id: string }>({ model: 'user', data: user('a@x.org') });
        await within.create({
          model: 'account',
          data: { userId: id, accountId: id, providerId: 'credential', createdAt: at, updatedAt: at },
        });
        expect([written.length, await collections.credentials.countDocuments({ accountId: id })]).toEqual([0, 1]);
      });
      expect(written).toHaveLength(1);
      const failing = adapter.transaction(async (within) => {
        await within.create({ model: 'user', data: user('b@x.org') });
        throw new Error('no');
      });
      await expect(failing).rejects.toThrow('no');
      expect(await emails([])).toEqual(['a@x.org']);
    });
  });
}
