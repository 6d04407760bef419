import { lineWriter, type Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** One measurement and one log line for a finished request. `requestId` has come through `requestIdOf`. */
export type AccessLog = (requestId: string, method: string, route: string, status: number, elapsedMs: number) => void;

export interface AccessLogOptions {
  readonly service: string;
  readonly log: Log;
  readonly metrics: Metrics;
}

/** All requests of one method, route and status: what is the same for each of them is worked out once. */
interface Series {
  readonly durations: { observe(seconds: number): void };
  readonly level: 'debug' | 'info';
  readonly beforeId: string;
  readonly afterId: string;
}

/** The access log of a service. A segment from memory takes little longer than a line of pino's, so that these lines are put together here. */
export function openAccessLog({ service, log, metrics }: AccessLogOptions): AccessLog {
  const writeLine = lineWriter(log);
  const known = new Map<string, Series>();
  const describe = (method: string, route: string, status: number): Series => {
    const level = route.startsWith('/health') || route === '/metrics' ? 'debug' : 'info';
    return {
      durations: metrics.requests.labels({ service, method, route, status }),
      level,
      beforeId: `,"service":${JSON.stringify(service)},"requestId":"`,
      afterId: `","method":${JSON.stringify(method)},"route":${JSON.stringify(route)},"status":${status},"durationMs":`,
    };
  };
  return (requestId, method, route, status, elapsedMs) => {
    const key = `${status} ${method} ${route}`;
    let series = known.get(key);
    if (!series) known.set(key, (series = describe(method, route, status)));
    series.durations.observe(elapsedMs / 1000);
    if (log.isLevelEnabled(series.level))
      writeLine(series.level, `${series.beforeId}${requestId}${series.afterId}${Math.round(elapsedMs * 10) / 10}`, 'request finished');
  };
}
