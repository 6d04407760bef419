import type { IncomingHttpHeaders } from 'node:http';

/** What a client can have a condition about. */
export interface Validators {
  /** Strong, with its quotes. */
  readonly etag: string;
  /** Whole seconds since 1970. */
  readonly modifiedAtSeconds: number;
}

const imfDate = /^[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** Seconds since 1970 of an HTTP-date in the one form that may be sent (RFC 9110 §5.6.7); undefined for anything else. */
export function parseHttpDate(text: string): number | undefined {
  const timeMs = imfDate.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(timeMs) ? undefined : timeMs / 1000;
}

/** Whether a list of entity tags, or `*`, names `etag`. Weak comparison takes `W/"x"` for `"x"`. RFC 9110 §8.8.3.2. */
export function matches(list: string, etag: string, comparison: 'strong' | 'weak'): boolean {
  if (list.trim() === '*') return true;
  for (const [, weak, tag] of list.matchAll(/(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g)) {
    if (tag === etag && (comparison === 'weak' || weak === undefined)) return true;
  }
  return false;
}

/** Outcome of the preconditions of a GET or HEAD, in the order of RFC 9110 §13.2.2. */
export function precondition(headers: IncomingHttpHeaders, { etag, modifiedAtSeconds }: Validators): 'send' | 'not-modified' | 'failed' {
  const {
    'if-match': ifMatch,
    'if-none-match': ifNoneMatch,
    'if-modified-since': modifiedSince,
    'if-unmodified-since': unmodifiedSince,
  } = headers;
  if (ifMatch !== undefined) {
    if (!matches(ifMatch, etag, 'strong')) return 'failed';
  } else if (unmodifiedSince !== undefined) {
    if (modifiedAtSeconds > (parseHttpDate(unmodifiedSince) ?? Infinity)) return 'failed';
  }
  if (ifNoneMatch !== undefined) return matches(ifNoneMatch, etag, 'weak') ? 'not-modified' : 'send';
  if (modifiedSince !== undefined && modifiedAtSeconds <= (parseHttpDate(modifiedSince) ?? -Infinity)) return 'not-modified';
  return 'send';
}

/** Whether Range may be applied: no If-Range, or one that names exactly these bytes. A date only counts for bytes older than a second. RFC 9110 §13.1.5. */
export function isRangeWanted(
  ifRange: string | readonly string[] | undefined,
  { etag, modifiedAtSeconds }: Validators,
  nowSeconds: number,
): boolean {
  if (ifRange === undefined) return true;
  if (typeof ifRange !== 'string') return false;
  if (ifRange.startsWith('"')) return ifRange === etag;
  return parseHttpDate(ifRange) === modifiedAtSeconds && modifiedAtSeconds < nowSeconds - 1;
}
