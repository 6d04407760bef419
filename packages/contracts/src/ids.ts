import { Type } from 'typebox';

const alphabet = 'abcdefghijklmnopqrstuvwxyz234567';

/** Random bytes for the next ids: one call to the system for a hundred of them. */
const random = new Uint8Array(2000);
let used = random.length;

/** A new random id: 20 characters of RFC 4648 base32 in lower case, 100 bits, safe in paths, keys and file names. */
export function newId(): string {
  if (used === random.length) {
    crypto.getRandomValues(random);
    used = 0;
  }
  let id = '';
  for (const end = used + 20; used < end; used++) id += alphabet[(random[used] ?? 0) & 31];
  return id;
}

/** True for anything `newId` can return. */
export const isId = (value: string): boolean => /^[a-z2-7]{20}$/.test(value);

/** An id in a body, path or query. */
export const Id = Type.String({ pattern: '^[a-z2-7]{20}$', description: 'Opaque id' });

/** An ISO 8601 UTC instant, e.g. `2026-11-23T08:00:00.000Z`. */
export const Instant = Type.String({
  pattern: '^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z$',
  description: 'ISO 8601 UTC instant',
});
