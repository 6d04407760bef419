import { Type, type Static } from 'typebox';
import { Id, Instant } from './ids.ts';

export const roles = ['viewer', 'creator', 'admin'] as const;
export const Role = Type.Enum(roles);
export type Role = Static<typeof Role>;

/** GET /api/me */
export const Me = Type.Object({ accountId: Id, name: Type.String(), email: Type.String(), role: Role, createdAt: Instant });
export type Me = Static<typeof Me>;

/** GET /api/setup: what the first page has to know before anybody is signed in. */
export const SetupState = Type.Object({ needsSetup: Type.Boolean(), signUpOpen: Type.Boolean() });
export type SetupState = Static<typeof SetupState>;

/** POST /api/setup: makes the first admin; the code was printed at start. Answers like a sign-in, with a session cookie. */
export const SetUp = Type.Object(
  {
    code: Type.String({ minLength: 1, maxLength: 64 }),
    name: Type.String({ minLength: 1, maxLength: 100 }),
    email: Type.String({ minLength: 3, maxLength: 254 }),
    password: Type.String({ minLength: 8, maxLength: 128 }),
  },
  { additionalProperties: false },
);
export type SetUp = Static<typeof SetUp>;

export const CreateApiKey = Type.Object({ name: Type.String({ minLength: 1, maxLength: 100 }) }, { additionalProperties: false });
export const ApiKey = Type.Object({
  apiKeyId: Type.String(),
  name: Type.String(),
  createdAt: Instant,
  /** Only in the answer that made it. */
  key: Type.Optional(Type.String()),
});
export type ApiKey = Static<typeof ApiKey>;

/** Claims of the signed identity token that the gateway obtains and every service verifies. `sub` is the account id. */
export const IdentityClaims = Type.Object({ sub: Id, role: Role, name: Type.String() });
export type IdentityClaims = Static<typeof IdentityClaims>;

/** Who is asking, as a service sees it. */
export interface Identity {
  readonly accountId: string;
  readonly role: Role;
  readonly name: string;
}

/** Part of the name of the session cookie; a browser on https sees it with the prefix `__Secure-`. */
export const sessionCookie = 'kinora.session_token';

/** Body of `internalRoutes.identity`: the headers that carried the caller's credential, as they came. */
export const IdentityRequest = Type.Object(
  { cookie: Type.Optional(Type.String({ maxLength: 16_384 })), authorization: Type.Optional(Type.String({ maxLength: 4096 })) },
  { additionalProperties: false },
);
export type IdentityRequest = Static<typeof IdentityRequest>;

/** Answer of `internalRoutes.identity`: no token when nobody is signed in. `expiresAt` is the token's; `setCookie` goes to the client when its session was prolonged. */
export const IdentityAnswer = Type.Object({
  token: Type.Optional(Type.String()),
  expiresAt: Type.Optional(Instant),
  setCookie: Type.Optional(Type.Array(Type.String())),
});
export type IdentityAnswer = Static<typeof IdentityAnswer>;

const Email = Type.String({ minLength: 3, maxLength: 254, pattern: '^[^\\s@]+@[^\\s@]+$' });

/** POST /api/auth/sign-up/email */
export const SignUp = Type.Object(
  {
    name: Type.String({ minLength: 1, maxLength: 100, pattern: '\\S' }),
    email: Email,
    password: Type.String({ minLength: 8, maxLength: 128 }),
  },
  { additionalProperties: false },
);
export type SignUp = Static<typeof SignUp>;

/** POST /api/auth/sign-in/email; without `rememberMe` (default true) the cookie goes when the browser closes. */
export const SignIn = Type.Object(
  { email: Email, password: Type.String({ minLength: 1, maxLength: 128 }), rememberMe: Type.Optional(Type.Boolean()) },
  { additionalProperties: false },
);
export type SignIn = Static<typeof SignIn>;

/** POST /api/auth/change-password; other sessions of the account end. */
export const ChangePassword = Type.Object(
  { currentPassword: Type.String({ minLength: 1, maxLength: 128 }), newPassword: Type.String({ minLength: 8, maxLength: 128 }) },
  { additionalProperties: false },
);
export type ChangePassword = Static<typeof ChangePassword>;

/** GET /api/accounts, for admins: newest first. */
export const ListAccounts = Type.Object(
  { after: Type.Optional(Type.String({ maxLength: 100 })), limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })) },
  { additionalProperties: false },
);
export type ListAccounts = Static<typeof ListAccounts>;
export const AccountPage = Type.Object({ items: Type.Array(Me), next: Type.Optional(Type.String()) });
export type AccountPage = Static<typeof AccountPage>;

/** PATCH /api/accounts/{accountId}, for admins. */
export const ChangeAccount = Type.Object({ role: Role }, { additionalProperties: false });
export type ChangeAccount = Static<typeof ChangeAccount>;
