import type { Dictionary } from '../i18n/en.ts';
import { ApiError } from './client.ts';

/** What to tell a person about a failed request: a sentence for its problem, for an unreachable server, else the general one. */
export function sentenceOf(error: unknown, t: Dictionary): string {
  if (!(error instanceof ApiError)) return t.problems['internal-error'];
  if (error.status === undefined) return t.common.unreachable;
  if (error.slug !== undefined) return t.problems[error.slug];
  if (error.status === 502 || error.status === 503 || error.status === 504) return t.problems['service-unavailable'];
  return t.problems['internal-error'];
}

/** Id under which the server logged the failed request, if it said so. */
export const requestIdOf = (error: unknown): string | undefined => (error instanceof ApiError ? error.requestId : undefined);
