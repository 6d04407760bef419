/** Somebody with an account, as they remember it: what was acknowledged has to hold, what was not may or may not. */
import type { ApiKey } from '@kinora/contracts';
import { Client } from '../client.ts';
import { attempt, expectStatus, Finding } from './attempt.ts';

interface Key {
  readonly apiKeyId: string;
  readonly key: string;
  state: 'there' | 'leaving' | 'gone';
  /** When its removal was acknowledged, ms. */
  goneAt: number;
}

export interface Person {
  readonly email: string;
  readonly password: string;
  /** Signed in; the session has to survive whatever happens. */
  client: Client | undefined;
  /** `asked`: the account may be gone. `done`: is. */
  removal: 'none' | 'asked' | 'done';
  readonly keys: Key[];
  /** The account is known to exist. */
  isThere: boolean;
}

export const newPerson = (email: string): Person => ({
  ...{ email, password: `the password of ${email}`, client: undefined, removal: 'none', keys: [], isThere: false },
});

/** Gateways remember who is who for a second, and longer while accounts cannot say it: it may be away, and its database, for some seconds. */
const rememberedMs = 30_000;

/** Signs up, or in when the account is there already; false when nobody answers. @throws {Finding} */
export async function enter(person: Person, url: string): Promise<boolean> {
  if (person.client) return true;
  const { email, password } = person;
  const stranger = { fetch: (path: string, init: RequestInit = {}) => fetch(url + path, init) };
  if (!person.isThere) {
    const made = await attempt(stranger, 'POST', '/api/auth/sign-up/email', { body: { email, password, name: email } });
    if (!made) return false;
    person.isThere = true;
    // 409: a sign-up that was never answered has been taken.
    if (expectStatus(`signing ${email} up`, made, 200, 409).status === 200) return keepToken(person, url, made.headers);
  }
  const entered = await attempt(stranger, 'POST', '/api/auth/sign-in/email', { body: { email, password } });
  return entered !== undefined && keepToken(person, url, expectStatus(`signing ${email} in`, entered, 200).headers);
}

function keepToken(person: Person, url: string, headers: Headers): boolean {
  const token = headers.get('set-auth-token');
  if (token === null) throw new Finding(`${person.email} was let in without a session`);
  person.client = Client.of(url, token);
  return true;
}

const clientOf = ({ client, email }: Person): Client => {
  if (!client) throw new Error(`${email} is not signed in`);
  return client;
};

/** The session and every key still say who it is; a key that is gone says nothing. @throws {Finding} */
export async function checkPerson(person: Person): Promise<void> {
  const client = clientOf(person);
  const me = await attempt(client, 'GET', '/api/me');
  if (me) expectStatus(`${person.email}, signed in,`, me, 200);
  for (const { key, state, goneAt } of person.keys) {
    const answer = state === 'leaving' ? undefined : await attempt(Client.of(client.url, key), 'GET', '/api/me');
    if (!answer) continue;
    if (state === 'there') expectStatus(`a key of ${person.email}`, answer, 200);
    else if (performance.now() - goneAt > rememberedMs) expectStatus(`a removed key of ${person.email}`, answer, 401);
  }
}

/** Whether no removed key opens anything any more; false when nobody answers. */
export async function areKeysRefused(person: Person): Promise<boolean> {
  const { url } = clientOf(person);
  const gone = person.keys.filter(({ state }) => state === 'gone');
  const answers = await Promise.all(gone.map(({ key }) => attempt(Client.of(url, key), 'GET', '/api/me')));
  return answers.every((answer) => answer?.status === 401);
}

/** Makes an API key. */
export async function makeKey(person: Person): Promise<void> {
  const made = await attempt(clientOf(person), 'POST', '/api/me/api-keys', { body: { name: 'crash test' } });
  if (!made) return;
  const { apiKeyId, key = '' } = expectStatus(`a key for ${person.email}`, made, 201).body as ApiKey;
  person.keys.push({ apiKeyId, key, state: 'there', goneAt: 0 });
}

/** Removes the oldest API key, or goes on with it. */
export async function removeKey(person: Person): Promise<void> {
  const key = person.keys.find(({ state }) => state !== 'gone');
  if (!key) return;
  const isAgain = key.state === 'leaving';
  key.state = 'leaving';
  const answer = await attempt(clientOf(person), 'DELETE', `/api/me/api-keys/${key.apiKeyId}`);
  if (!answer) return;
  expectStatus(`removing a key of ${person.email}`, answer, 204, ...(isAgain ? [404] : []));
  Object.assign(key, { state: 'gone', goneAt: performance.now() });
}

/** Deletes the account, or goes on with it; true once it is known to be gone. @throws {Finding} */
export async function leave(person: Person): Promise<boolean> {
  const isAgain = person.removal === 'asked';
  person.removal = 'asked';
  const answer = await attempt(clientOf(person), 'DELETE', '/api/me');
  if (!answer) return false;
  // The first attempt may have deleted the account, and with it the session.
  expectStatus(`deleting ${person.email}`, answer, 204, ...(isAgain ? [401, 404] : []));
  person.removal = 'done';
  return true;
}

/** Nobody gets in with what was theirs. @throws {Finding} */
export async function checkLeft({ email, password, client }: Person, url: string): Promise<void> {
  const stranger = { fetch: (path: string, init: RequestInit = {}) => fetch(url + path, init) };
  const answer = await attempt(stranger, 'POST', '/api/auth/sign-in/email', { body: { email, password } });
  if (answer) expectStatus(`signing ${email} in, who has left,`, answer, 401);
  const me = client && (await attempt(client, 'GET', '/api/me'));
  if (me) expectStatus(`${email}, who has left,`, me, 401);
}
