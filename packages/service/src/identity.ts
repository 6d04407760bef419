/** Who is asking: signed, short-lived tokens (EdDSA), verified with accounts' published keys kept in memory. */
import { Value } from 'typebox/value';
import { createLocalJWKSet, errors, jwtVerify, SignJWT, type CryptoKey, type JSONWebKeySet } from 'jose';
import { LRUCache } from 'lru-cache';
import { IdentityClaims, Problem, type Identity } from '@kinora/contracts';

const issuer = 'kinora';
const refetchMs = 30_000;

/** Signs an identity token that lives `lifetimeSeconds`. `kid` names the published key. */
export function signIdentity(identity: Identity, key: CryptoKey, kid: string, lifetimeSeconds: number): Promise<string> {
  return new SignJWT({ role: identity.role, name: identity.name })
    .setProtectedHeader({ alg: 'EdDSA', kid })
    .setSubject(identity.accountId)
    .setIssuer(issuer)
    .setIssuedAt()
    .setExpirationTime(`${lifetimeSeconds}s`)
    .sign(key);
}

/** Gives the identity in a token. @throws {Problem} invalid-token, service-unavailable (keys not to be had) */
export type VerifyIdentity = (token: string) => Promise<Identity>;

/** A verifier that fetches the keys when it first needs them and again when a key is unknown, at most every 30 s; verified tokens are remembered. */
export function identityVerifier(fetchKeys: () => Promise<JSONWebKeySet>, now: () => number = Date.now): VerifyIdentity {
  const verified = new LRUCache<string, { identity: Identity; expiresAtMs: number }>({ max: 10_000 });
  let keys: ReturnType<typeof createLocalJWKSet> | undefined;
  let fetchedAtMs = -Infinity;
  const loadKeys = async (): Promise<void> => {
    fetchedAtMs = now();
    keys = createLocalJWKSet(await fetchKeys());
  };
  const verifyOnce = async (token: string): Promise<Identity> => {
    if (!keys) await loadKeys();
    if (!keys) throw new Problem('service-unavailable');
    const { payload } = await jwtVerify(token, keys, { issuer, algorithms: ['EdDSA'], currentDate: new Date(now()) });
    const expiresAtMs = (payload.exp ?? 0) * 1000;
    if (!Value.Check(IdentityClaims, payload)) throw new Problem('invalid-token');
    const identity: Identity = Object.freeze({ accountId: payload.sub, role: payload.role, name: payload.name });
    verified.set(token, { identity, expiresAtMs });
    return identity;
  };
  return async (token) => {
    const known = verified.get(token);
    if (known && known.expiresAtMs > now()) return known.identity;
    try {
      return await verifyOnce(token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey && now() - fetchedAtMs > refetchMs) {
        await loadKeys();
        return identityVerifierRetry(verifyOnce, token);
      }
      throw translate(error);
    }
  };
}

const identityVerifierRetry = (verify: VerifyIdentity, token: string): Promise<Identity> =>
  verify(token).catch((error: unknown) => {
    throw translate(error);
  });

const translate = (error: unknown): unknown => (error instanceof errors.JOSEError ? new Problem('invalid-token', { cause: error }) : error);
