import type { ChangePassword, Identity, Role, SignIn, SignUp } from '@kinora/contracts';
import type { Store } from './store.ts';

export interface AuthOptions {
  readonly store: Store;
  /** Signs session cookies. */
  readonly secret: string;
  readonly secureCookies: boolean;
  readonly sessionLifetimeDays: number;
}

/** What goes back to the client. */
export interface AuthAnswer {
  readonly body: unknown;
  readonly setCookie: readonly string[];
  /** The session as a bearer token, where one was made. */
  readonly token: string | undefined;
}

/** Accounts with a password, and their sessions. `headers` hold the caller's `cookie` and `authorization`. */
export interface Auth {
  /** @throws {Problem} email-taken, invalid-request */
  signUp(body: SignUp & { readonly role: Role }, headers: Headers): Promise<AuthAnswer>;
  /** Takes the same time whether the e-mail is known or not. @throws {Problem} wrong-credentials, invalid-request */
  signIn(body: SignIn, headers: Headers): Promise<AuthAnswer>;
  signOut(headers: Headers): Promise<AuthAnswer>;
  /** @throws {Problem} not-signed-in, wrong-credentials, invalid-request */
  changePassword(body: ChangePassword, headers: Headers): Promise<AuthAnswer>;
  /** Body is `null` when nobody is signed in. */
  getSession(headers: Headers): Promise<AuthAnswer>;
  /** Who has the session; `setCookie` when it was prolonged. */
  findSession(headers: Headers): Promise<{ readonly identity: Identity; readonly setCookie: readonly string[] } | undefined>;
}

/** Gives `Auth`, loading it at the first call. */
export type LoadAuth = () => Promise<Auth>;

/** Loads better-auth when it is first needed: a third of a second and 45 MB that a process without visitors does not pay. */
export function lazyAuth(options: () => Promise<AuthOptions>): LoadAuth {
  let loading: Promise<Auth> | undefined;
  const load = async (): Promise<Auth> => {
    const [{ openBetterAuth }, given] = await Promise.all([import('./better-auth.ts'), options()]);
    return openBetterAuth(given);
  };
  return () =>
    (loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    }));
}
