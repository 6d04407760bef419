/** The one file that knows better-auth. It is heavy to load, so it is imported when somebody first signs in or shows a session. */
import { betterAuth } from 'better-auth/minimal';
import { bearer } from 'better-auth/plugins/bearer';
import { DuplicateKeyError } from '@kinora/documents';
import { newId, Problem, type ProblemSlug, type Role } from '@kinora/contracts';
import { documentsAdapter } from './documents-adapter.ts';
import type { Auth, AuthAnswer, AuthOptions } from './auth.ts';

const daySeconds = 86_400;

function create({ store, secret, secureCookies, sessionLifetimeDays }: AuthOptions) {
  return betterAuth({
    appName: 'Kinora',
    // Only tells whether cookies are Secure, which is said below: requests come under any host name.
    baseURL: secureCookies ? 'https://localhost' : 'http://localhost',
    secret,
    database: documentsAdapter({ collections: store.collections, outboxed: { accounts: store.insertAccount } }),
    telemetry: { enabled: false },
    logger: { disabled: true },
    rateLimit: { enabled: false },
    emailAndPassword: { enabled: true, minPasswordLength: 8, maxPasswordLength: 128 },
    user: { modelName: 'accounts', additionalFields: { role: { type: 'string', required: true } } },
    session: { modelName: 'sessions', fields: { userId: 'accountId' }, expiresIn: sessionLifetimeDays * daySeconds, updateAge: daySeconds },
    account: { modelName: 'credentials', fields: { userId: 'accountId', accountId: 'providerAccountId' } },
    advanced: {
      cookiePrefix: 'kinora',
      useSecureCookies: secureCookies,
      // The gateway compares Origin with Host for every service.
      disableCSRFCheck: true,
      disableOriginCheck: true,
      ipAddress: { disableIpTracking: true },
      database: { generateId: () => newId() },
    },
    plugins: [bearer()],
  });
}

const byCode: Readonly<Record<string, { slug: ProblemSlug; path?: string }>> = {
  INVALID_EMAIL_OR_PASSWORD: { slug: 'wrong-credentials' },
  INVALID_PASSWORD: { slug: 'wrong-credentials' },
  CREDENTIAL_ACCOUNT_NOT_FOUND: { slug: 'wrong-credentials' },
  USER_ALREADY_EXISTS: { slug: 'email-taken' },
  USER_ALREADY_EXISTS_USE_ANOTHER_EMAIL: { slug: 'email-taken' },
  INVALID_EMAIL: { slug: 'invalid-request', path: '/email' },
  PASSWORD_TOO_SHORT: { slug: 'invalid-request', path: '/password' },
  PASSWORD_TOO_LONG: { slug: 'invalid-request', path: '/password' },
};

/** The problem that better-auth's answer to a refused request stands for. */
function problemOf(status: number, body: unknown): Problem {
  const { code = '', message = '' } = (body ?? {}) as { code?: string; message?: string };
  // Its own check of a body, e.g. an e-mail that the schema lets through: `[body.email] Invalid email address`.
  const field = /^\[body\.(\w+)\]/.exec(message)?.[1];
  const { slug, path } = byCode[code] ?? (field === undefined ? {} : { slug: 'invalid-request' as const, path: `/${field}` });
  if (slug && path) return new Problem(slug, { detail: `body${path} ${message}`, errors: [{ path, message }] });
  if (slug) return new Problem(slug);
  if (status === 401) return new Problem('not-signed-in');
  if (status === 400) return new Problem('invalid-request', { detail: message });
  throw new Error(`better-auth answered ${status} ${code}`);
}

async function answerOf(pending: Promise<Response>): Promise<AuthAnswer> {
  const response = await pending.catch((error: unknown) => {
    throw error instanceof DuplicateKeyError ? new Problem('email-taken', { cause: error }) : error;
  });
  const text = await response.text();
  const body: unknown = text === '' ? null : JSON.parse(text);
  if (!response.ok) throw problemOf(response.status, body);
  return { body, setCookie: response.headers.getSetCookie(), token: response.headers.get('set-auth-token') ?? undefined };
}

/** better-auth behind the few operations that Kinora has. @throws {Problem} from each operation, as `auth.ts` says */
export function openBetterAuth(options: AuthOptions): Auth {
  const { api } = create(options);
  return {
    signUp: ({ name, email, password, role }, headers) =>
      answerOf(api.signUpEmail({ body: { name: name.trim(), email, password, role }, headers, asResponse: true })),
    signIn: (body, headers) => answerOf(api.signInEmail({ body, headers, asResponse: true })),
    signOut: (headers) => answerOf(api.signOut({ headers, asResponse: true })),
    changePassword: (body, headers) =>
      answerOf(api.changePassword({ body: { ...body, revokeOtherSessions: true }, headers, asResponse: true })),
    getSession: (headers) => answerOf(api.getSession({ headers, asResponse: true })),
    async findSession(headers) {
      const { response, headers: answered } = await api.getSession({ headers, returnHeaders: true });
      if (!response) return undefined;
      const { id, role, name } = response.user;
      return { identity: { accountId: id, role: role as Role, name }, setCookie: answered.getSetCookie() };
    },
  };
}
