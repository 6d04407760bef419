import { exportJWK, generateKeyPair, importJWK, type CryptoKey, type JWK } from 'jose';
import { newId, sessionCookie, type Identity, type IdentityAnswer, type IdentityRequest } from '@kinora/contracts';
import { signIdentity } from '@kinora/service';
import { hashApiKey, isApiKey } from './api-key.ts';
import type { LoadAuth } from './auth.ts';
import type { Store } from './store.ts';

interface SigningKey {
  readonly kid: string;
  readonly privateKey: CryptoKey;
  readonly published: JWK;
}

/** The key that identity tokens are signed with (Ed25519), made once and kept. */
export async function openSigningKey(store: Store): Promise<SigningKey> {
  const kept = await store.keepSetting('signing-key', async () => {
    const { privateKey } = await generateKeyPair('EdDSA', { extractable: true });
    return { kid: newId(), jwk: { ...(await exportJWK(privateKey)) } as Record<string, string> };
  });
  const privateKey = (await importJWK(kept.jwk, 'EdDSA')) as CryptoKey;
  const { d: _secret, ...published } = kept.jwk;
  return { kid: kept.kid, privateKey, published: { ...published, kid: kept.kid, alg: 'EdDSA', use: 'sig' } };
}

export interface IdentityOptions {
  readonly store: Store;
  readonly loadAuth: LoadAuth;
  readonly key: SigningKey;
  readonly lifetimeSeconds: number;
  readonly now: () => Date;
}

interface Found {
  readonly identity: Identity;
  readonly setCookie?: readonly string[];
}

async function findByApiKey(store: Store, key: string): Promise<Found | undefined> {
  const apiKey = await store.findApiKey(hashApiKey(key));
  const account = apiKey && (await store.findAccount(apiKey.accountId));
  return account && { identity: { accountId: account._id, role: account.role, name: account.name } };
}

async function find({ cookie, authorization }: IdentityRequest, { store, loadAuth }: IdentityOptions): Promise<Found | undefined> {
  const bearer = authorization === undefined ? undefined : /^Bearer (\S+)$/i.exec(authorization)?.[1];
  if (authorization !== undefined && bearer === undefined) return undefined;
  if (bearer !== undefined && isApiKey(bearer)) return findByApiKey(store, bearer);
  if (bearer !== undefined) return (await loadAuth()).findSession(new Headers({ authorization: `Bearer ${bearer}` }));
  return cookie?.includes(sessionCookie) ? (await loadAuth()).findSession(new Headers({ cookie })) : undefined;
}

/** Turns a credential into an identity token; the bearer credential decides when there are two. */
export async function answerIdentity(request: IdentityRequest, options: IdentityOptions): Promise<IdentityAnswer> {
  const found = await find(request, options);
  if (!found) return {};
  const { key, lifetimeSeconds, now } = options;
  const token = await signIdentity(found.identity, key.privateKey, key.kid, lifetimeSeconds);
  const expiresAt = new Date(now().getTime() + lifetimeSeconds * 1000).toISOString();
  return { token, expiresAt, ...(found.setCookie?.length ? { setCookie: [...found.setCookie] } : {}) };
}
