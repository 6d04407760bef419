import { fileURLToPath } from 'node:url';
import { defineService } from '@kinora/service';
import { readConfig } from './config.ts';
import { openForward } from './forward.ts';
import { openIdentities } from './identities.ts';
import { routes } from './routes.ts';
import { openStream } from './stream.ts';
import { shownEvents } from './stream-event.ts';

/** The only door: web app, sign-in cookie → token, routing, limits, security headers, live events. */
export const gateway = defineService('gateway', readConfig, ({ config, shared, peers, bus, log, metrics, now }) => {
  const identities = openIdentities({ accounts: () => peers('accounts'), refreshSeconds: config.identityRefreshSeconds, now });
  const stream = openStream(config, metrics);
  const listening = bus.listen(shownEvents, (envelope) => stream.publish(envelope));
  const webDir = config.webDir ?? fileURLToPath(new URL('../../../web/dist', import.meta.url));
  return {
    handle: openForward({ config, shared, peers, identities, log, now }),
    routes: routes({ shared, peers, identities, stream, webDir }),
    drain: () => stream.close(),
    stop: () => listening.stop(),
  };
});
