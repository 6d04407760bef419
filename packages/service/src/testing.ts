/** For tests from outside: identities that a service started with `env` believes. */
import { exportJWK, generateKeyPair } from 'jose';
import { newId, type Identity, type Role } from '@kinora/contracts';
import { signIdentity } from './identity.ts';

export interface TestIdentities {
  /** Goes into the environment of the host under test. */
  readonly env: { readonly IDENTITY_JWKS: string };
  /** A new identity and the headers that prove it. */
  create(role?: Role, name?: string): Promise<{ identity: Identity; headers: { authorization: string } }>;
}

/** A fresh key pair and tokens signed with it exactly as accounts signs them. */
export async function createTestIdentities(): Promise<TestIdentities> {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA');
  const kid = newId();
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' }] };
  return {
    env: { IDENTITY_JWKS: JSON.stringify(jwks) },
    async create(role = 'creator', name = 'Ann') {
      const identity: Identity = { accountId: newId(), role, name };
      return { identity, headers: { authorization: `Bearer ${await signIdentity(identity, privateKey, kid, 3600)}` } };
    },
  };
}
