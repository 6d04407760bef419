import { randomBytes } from 'node:crypto';
import { defineService, on } from '@kinora/service';
import { openAttempts } from './attempts.ts';
import { lazyAuth } from './auth.ts';
import { readConfig } from './config.ts';
import { openSigningKey } from './identity.ts';
import { adminRoutes, apiKeyRoutes, meRoutes } from './routes/accounts.ts';
import { authRoutes } from './routes/auth.ts';
import { internalRoutesOf } from './routes/internal.ts';
import { openSetup } from './setup.ts';
import { openStore } from './store.ts';

const sweepMs = 3_600_000;

/** Accounts, sign-in sessions, API keys and roles. */
export const accounts = defineService('accounts', readConfig, ({ config, shared, documents, bus, log, metrics, now }) => {
  const store = openStore(documents, bus, now, (err) => log.warn({ err }, 'outbox failed'));
  const loadAuth = lazyAuth(async () => ({
    store,
    secret: config.secret ?? (await store.keepSetting('session-secret', () => randomBytes(48).toString('base64url'))),
    secureCookies: shared.publicUrl?.startsWith('https:') ?? false,
    sessionLifetimeDays: config.sessionLifetimeDays,
  }));
  const setup = openSetup({ store, config, loadAuth, log, dataDir: shared.dataDir });
  const sweep = (): void => void store.sweep().catch((err: unknown) => log.warn({ err }, 'sweep failed'));
  const sweeping = setInterval(sweep, sweepMs).unref();
  metrics.outboxLag('accounts', () => store.lagSeconds());
  return {
    async routes(app) {
      const key = await openSigningKey(store);
      internalRoutesOf({ store, loadAuth, key, lifetimeSeconds: config.tokenLifetimeSeconds, now })(app);
      authRoutes({ config, loadAuth, setup, attempts: openAttempts(config, now) })(app);
      meRoutes(store)(app);
      apiKeyRoutes(store, now)(app);
      adminRoutes(store)(app);
    },
    subscriptions: [on('account.deleted', ({ envelope }) => store.removeBelongings(envelope.data.accountId))],
    async start() {
      await setup.start();
      sweep();
    },
    async stop() {
      clearInterval(sweeping);
      await store.stop();
    },
  };
});
