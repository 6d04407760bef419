import { createHash } from 'node:crypto';
import { sessionCookie, type IdentityRequest } from '@kinora/contracts';

/** What proves who is asking, and a key under which the answer can be remembered without keeping the secret. */
export interface Credential {
  readonly request: IdentityRequest;
  readonly isCookie: boolean;
  readonly key: string;
}

/** The session cookies among those of a request, as they would be sent alone; other cookies are nobody's business. */
const ownCookies = (cookie: string): string =>
  cookie
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => /^(?:__Secure-)?kinora\./.test(pair))
    .join('; ');

/** The credential in a request's headers; a bearer credential comes before a cookie. Undefined when there is none. */
export function credentialOf({
  cookie,
  authorization,
}: {
  cookie?: string | undefined;
  authorization?: string | undefined;
}): Credential | undefined {
  const hash = (text: string): string => createHash('sha256').update(text).digest('base64');
  if (authorization !== undefined) return { request: { authorization }, isCookie: false, key: hash(`authorization ${authorization}`) };
  if (!cookie?.includes(sessionCookie)) return undefined;
  const own = ownCookies(cookie);
  return own === '' ? undefined : { request: { cookie: own }, isCookie: true, key: hash(`cookie ${own}`) };
}
