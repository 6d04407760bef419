import { LRUCache } from 'lru-cache';
import { Value } from 'typebox/value';
import { IdentityAnswer, internalRoutes, Problem } from '@kinora/contracts';
import type { Peer } from '@kinora/service';
import type { Credential } from './credential.ts';

export interface IdentitiesOptions {
  readonly accounts: () => Peer;
  readonly refreshSeconds: number;
  readonly now: () => Date;
}

/** Who has a credential, as accounts says; remembered, so that a stopped accounts service signs nobody out who is in. */
export interface Identities {
  /** An identity token, or no token when the credential is nobody's. @throws {Problem} service-unavailable, deadline-exceeded */
  find(credential: Credential): Promise<IdentityAnswer>;
  /** Asks anew next time. */
  forget(credential: Credential): void;
}

interface Known {
  readonly answer: IdentityAnswer;
  readonly expiresAtMs: number;
  /** When accounts is to be asked again. */
  refreshAtMs: number;
}

const retryMs = 5_000;
const firstDeadlineMs = 10_000;
const refreshDeadlineMs = 2_000;

/** Identities in bounded memory. */
export function openIdentities({ accounts, refreshSeconds, now }: IdentitiesOptions): Identities {
  const known = new LRUCache<string, Known>({ max: 10_000 });
  const underWay = new Map<string, Promise<IdentityAnswer>>();

  const ask = async ({ request, key }: Credential, deadlineMs: number): Promise<IdentityAnswer> => {
    const { status, text } = await accounts().call({ method: 'POST', path: internalRoutes.identity, body: request, deadlineMs });
    const answer: unknown = status === 200 ? JSON.parse(text) : undefined;
    if (!Value.Check(IdentityAnswer, answer))
      throw new Problem('service-unavailable', { detail: 'The accounts service does not answer.', service: 'accounts' });
    const nowMs = now().getTime();
    const { setCookie: _once, ...again } = answer;
    if (answer.token === undefined) known.delete(key);
    else known.set(key, { answer: again, expiresAtMs: Date.parse(answer.expiresAt ?? ''), refreshAtMs: nowMs + refreshSeconds * 1000 });
    return answer;
  };
  // Requests of one page come together: they share a question, and one of them its cookie.
  const askOnce = (credential: Credential, deadlineMs: number): Promise<IdentityAnswer> => {
    const waiting = underWay.get(credential.key);
    if (waiting) return waiting.then(({ setCookie: _once, ...answer }) => answer);
    const asking = ask(credential, deadlineMs).finally(() => {
      if (underWay.get(credential.key) === asking) underWay.delete(credential.key);
    });
    underWay.set(credential.key, asking);
    return asking;
  };

  return {
    async find(credential) {
      const nowMs = now().getTime();
      const remembered = known.get(credential.key);
      if (!remembered || remembered.expiresAtMs <= nowMs) return askOnce(credential, firstDeadlineMs);
      if (remembered.refreshAtMs > nowMs) return remembered.answer;
      try {
        return await askOnce(credential, refreshDeadlineMs);
      } catch {
        remembered.refreshAtMs = nowMs + retryMs;
        return remembered.answer;
      }
    },
    forget({ key }) {
      known.delete(key);
      underWay.delete(key);
    },
  };
}
