import { Problem } from '@kinora/contracts';
import type { App } from './http.ts';
import type { Metrics } from './metrics.ts';

/** One port that a process depends on. */
export interface Check {
  readonly name: string;
  ready(): Promise<void>;
  ping(): Promise<void>;
}

export interface HealthOptions {
  readonly checks: readonly Check[];
  readonly metrics: Metrics;
  readonly state: { readonly ready: boolean };
}

/** Adds `/health/live` (the process answers), `/health/ready` (every port answers, not stopping) and `/metrics`. */
export function health(app: App, { checks, metrics, state }: HealthOptions): void {
  const hidden = { schema: { hide: true } };
  app.get('/health/live', hidden, () => ({ status: 'live' }));
  app.get('/health/ready', hidden, async () => {
    if (!state.ready) throw new Problem('service-unavailable', { detail: 'Starting or stopping.' });
    const failing: string[] = [];
    for (const check of checks) await check.ping().catch(() => failing.push(check.name));
    if (failing.length > 0) throw new Problem('service-unavailable', { detail: `No answer from: ${failing.join(', ')}.`, failing });
    return { status: 'ready' };
  });
  app.get('/metrics', hidden, async (_request, reply) => reply.type(metrics.registry.contentType).send(await metrics.registry.metrics()));
}
