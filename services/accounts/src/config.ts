import { ConfigError, configReader, integer, oneOf, optional, secret, text, type ConfigOf, type ConfigReader } from '@kinora/service';

const settings = {
  signUp: oneOf('ACCOUNTS_SIGN_UP', ['open', 'closed'], { about: 'Whether anybody may make an account', default: 'open' }),
  defaultRole: oneOf('ACCOUNTS_DEFAULT_ROLE', ['viewer', 'creator'], { about: 'Role of a new account', default: 'creator' }),
  adminEmail: optional(text('ACCOUNTS_ADMIN_EMAIL', { about: 'Makes the first admin at start, together with its password' })),
  adminPassword: optional(secret('ACCOUNTS_ADMIN_PASSWORD', { about: 'Password of that admin, at least 8 characters', minLength: 8 })),
  setupCode: optional(secret('ACCOUNTS_SETUP_CODE', { about: 'Code of the set-up page, instead of a random one', minLength: 8 })),
  secret: optional(secret('ACCOUNTS_SECRET', { about: 'Signs session cookies (default: made once and kept)', minLength: 32 })),
  sessionLifetimeDays: integer('ACCOUNTS_SESSION_LIFETIME_DAYS', {
    about: 'Days without a visit until a session ends',
    default: 30,
    min: 1,
    max: 400,
  }),
  tokenLifetimeSeconds: integer('ACCOUNTS_TOKEN_LIFETIME_SECONDS', {
    about: 'Life of an identity token: how long people stay signed in while accounts is down',
    default: 3600,
    min: 60,
    max: 86_400,
  }),
  attemptsPerAddress: integer('ACCOUNTS_ATTEMPTS_PER_ADDRESS', {
    about: 'Failed sign-ins, sign-ups and set-up codes per client address and window; 0 for no limit',
    default: 60,
  }),
  attemptsPerEmail: integer('ACCOUNTS_ATTEMPTS_PER_EMAIL', { about: 'Failed sign-ins per e-mail and window; 0 for no limit', default: 10 }),
  attemptsWindowSeconds: integer('ACCOUNTS_ATTEMPTS_WINDOW_SECONDS', { about: 'Length of that window', default: 300, min: 1, max: 86_400 }),
} as const;

export type Config = ConfigOf<typeof settings>;

const read = configReader('accounts', settings);

/** All settings of accounts. @throws {ConfigError} */
export const readConfig: ConfigReader<Config> = Object.assign(
  (env: NodeJS.ProcessEnv): Config => {
    const config = read(env);
    if ((config.adminEmail === undefined) !== (config.adminPassword === undefined))
      throw new ConfigError(['ACCOUNTS_ADMIN_EMAIL and ACCOUNTS_ADMIN_PASSWORD go together']);
    if (config.adminEmail !== undefined && !/^[^\s@]+@[^\s@]+$/.test(config.adminEmail))
      throw new ConfigError(['ACCOUNTS_ADMIN_EMAIL must be an e-mail address']);
    return config;
  },
  { settings: read.settings },
);
