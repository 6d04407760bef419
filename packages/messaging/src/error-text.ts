import { inspect } from 'node:util';

/** The error and its causes in one line each, for people; at most 4 000 characters. */
export function errorText(error: unknown): string {
  const lines: string[] = [];
  for (let cause = error; cause !== undefined && lines.length < 8; cause = cause instanceof Error ? cause.cause : undefined) {
    lines.push(cause instanceof Error ? `${cause.name}: ${cause.message}` : inspect(cause));
  }
  return lines.join('\ncaused by ').slice(0, 4_000);
}

/** What a dead letter says of a message whose consumers have ended with it. `deliveries` is how many there were, `earlier` the error of one that failed. */
export function outlivedText(deliveries: number, earlier: string | null | undefined): string {
  const text = `${deliveries} deliveries failed or ended with their process, the last one with its process`;
  return earlier ? `${text}\nearlier: ${earlier}` : text;
}
