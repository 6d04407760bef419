/** Everything that accounts keeps. Ids of accounts, sessions and credentials are chosen by `newId`. */
import type { Role } from '@kinora/contracts';
import { DuplicateKeyError, type Collection, type Documents, type Identified, type JsonValue } from '@kinora/documents';
import { event, openOutbox, outboxIndex, type Bus, type Outbox, type Outboxed } from '@kinora/messaging';

export interface AccountDocument extends Outboxed {
  readonly name: string;
  /** Lower case. */
  readonly email: string;
  readonly role: Role;
  readonly createdAt: string;
}
export interface SessionDocument extends Identified {
  readonly accountId: string;
  readonly token: string;
  readonly expiresAt: string;
}
export interface CredentialDocument extends Identified {
  readonly accountId: string;
  readonly createdAt: string;
}
export interface ApiKeyDocument extends Identified {
  readonly accountId: string;
  readonly name: string;
  /** SHA-256 of the key; the key itself is not kept. */
  readonly hash: string;
  readonly createdAt: string;
}
interface SettingDocument extends Identified {
  readonly value: JsonValue;
  readonly claimedAt?: string;
}

const hourMs = 3_600_000;

/** Opens the collections of accounts. The caller calls `stop`. */
export function openStore(documents: Documents, bus: Bus, now: () => Date, onError: (error: unknown) => void) {
  const accounts = documents.collection<AccountDocument>('accounts', {
    indexes: [{ keys: { email: 1 }, unique: true }, { keys: { role: 1 } }, { keys: { createdAt: -1, _id: 1 } }, outboxIndex],
  });
  const sessions = documents.collection<SessionDocument>('sessions', {
    indexes: [{ keys: { token: 1 }, unique: true }, { keys: { accountId: 1 } }, { keys: { expiresAt: 1 } }],
  });
  const credentials = documents.collection<CredentialDocument>('credentials', {
    indexes: [{ keys: { accountId: 1 } }, { keys: { createdAt: 1 } }],
  });
  const apiKeys = documents.collection<ApiKeyDocument>('apiKeys', {
    indexes: [{ keys: { hash: 1 }, unique: true }, { keys: { accountId: 1 } }],
  });
  const settings = documents.collection<SettingDocument>('settings', { indexes: [] });
  const outbox = openOutbox({ bus, collections: [accounts], now, onError });
  return {
    ...accountFunctions(accounts, outbox),
    ...apiKeyFunctions(apiKeys),
    ...settingFunctions(settings, now),
    /** The collections that better-auth works on, by the name it is told. */
    collections: { accounts, sessions, credentials },
    /** Inserts an account and tells everybody. @throws {DuplicateKeyError} */
    insertAccount: (document: AccountDocument): Promise<void> =>
      outbox.insert(accounts, document, [
        event('account.created', 'accounts', { accountId: document._id, name: document.name }, { subject: document._id, now: now() }),
      ]),
    /** Removes what belongs to an account that is gone. Idempotent. */
    async removeBelongings(accountId: string): Promise<void> {
      for (const collection of [sessions, credentials, apiKeys]) await collection.deleteMany({ accountId });
    },
    /** Removes expired sessions, and credentials and sessions of sign-ups that never came to an end. */
    async sweep(): Promise<void> {
      const nowMs = now().getTime();
      await sessions.deleteMany({ expiresAt: { $lt: new Date(nowMs).toISOString() } });
      const recent = { $gt: new Date(nowMs - 25 * hourMs).toISOString(), $lt: new Date(nowMs - hourMs).toISOString() };
      for await (const { _id, accountId } of credentials.scan({ createdAt: recent })) {
        if (!(await accounts.findOne({ _id: accountId }))) await credentials.deleteOne({ _id });
      }
    },
    lagSeconds: () => outbox.lagSeconds(),
    stop: () => outbox.stop(),
  };
}
export type Store = ReturnType<typeof openStore>;

function accountFunctions(accounts: Collection<AccountDocument>, outbox: Outbox) {
  const there = { removedAt: { $exists: false } } as const;
  return {
    findAccount: (accountId: string): Promise<AccountDocument | undefined> => accounts.findOne({ _id: accountId, ...there }),
    findAccountByEmail: (email: string): Promise<AccountDocument | undefined> => accounts.findOne({ email, ...there }),
    /** True when there is an admin, other than `exceptId` if that is given. */
    hasAdmin: async (exceptId?: string): Promise<boolean> =>
      (await accounts.findOne({ role: 'admin', ...there, ...(exceptId === undefined ? {} : { _id: { $ne: exceptId } }) })) !== undefined,
    /** Newest first, after the account that `after` names. */
    listAccounts({
      after,
      limit,
    }: {
      after?: { createdAt: string; accountId: string } | undefined;
      limit: number;
    }): Promise<AccountDocument[]> {
      const later = after && {
        $or: [{ createdAt: { $lt: after.createdAt } }, { createdAt: after.createdAt, _id: { $gt: after.accountId } }],
      };
      return accounts.find({ ...there, ...later }, { sort: { createdAt: -1, _id: 1 }, limit });
    },
    changeRole: (accountId: string, role: Role): Promise<AccountDocument | undefined> =>
      outbox.change(accounts, accountId, (account) => (account.role === role ? undefined : { update: { $set: { role } } })),
    /** Removes an account and tells everybody. */
    removeAccount: (accountId: string): Promise<AccountDocument | undefined> =>
      outbox.remove(accounts, accountId, () => [event('account.deleted', 'accounts', { accountId }, { subject: accountId })]),
  };
}

function apiKeyFunctions(apiKeys: Collection<ApiKeyDocument>) {
  return {
    insertApiKey: (document: ApiKeyDocument): Promise<void> => apiKeys.insertOne(document),
    findApiKey: (hash: string): Promise<ApiKeyDocument | undefined> => apiKeys.findOne({ hash }),
    countApiKeys: (accountId: string): Promise<number> => apiKeys.countDocuments({ accountId }),
    listApiKeys: (accountId: string): Promise<ApiKeyDocument[]> =>
      apiKeys.find({ accountId }, { sort: { createdAt: 1, _id: 1 }, limit: 100 }),
    /** False when the account has no such key. */
    deleteApiKey: async (accountId: string, apiKeyId: string): Promise<boolean> =>
      (await apiKeys.deleteOne({ _id: apiKeyId, accountId })) > 0,
  };
}

function settingFunctions(settings: Collection<SettingDocument>, now: () => Date) {
  const findSetting = async (name: string): Promise<JsonValue | undefined> => (await settings.findOne({ _id: name }))?.value;
  return {
    /** The value kept under `name`; the first of several replicas decides what it is. */
    async keepSetting<T extends JsonValue>(name: string, make: () => T | Promise<T>): Promise<T> {
      const kept = await findSetting(name);
      if (kept !== undefined) return kept as T;
      const value = await make();
      try {
        await settings.insertOne({ _id: name, value });
        return value;
      } catch (error) {
        if (!(error instanceof DuplicateKeyError)) throw error;
        return (await findSetting(name)) as T;
      }
    },
    /** True for the one caller that gets to use the set-up code. */
    claimSetting: async (name: string): Promise<boolean> =>
      (await settings.updateOne({ _id: name, claimedAt: { $exists: false } }, { $set: { claimedAt: now().toISOString() } }))
        .matchedCount === 1,
    /** Makes a claimed setting usable again. */
    releaseSetting: async (name: string): Promise<void> => void (await settings.updateOne({ _id: name }, { $unset: { claimedAt: true } })),
    isClaimed: async (name: string): Promise<boolean> => (await settings.findOne({ _id: name }))?.claimedAt !== undefined,
    deleteSetting: async (name: string): Promise<void> => void (await settings.deleteOne({ _id: name })),
  };
}
