import { createHash, randomInt, timingSafeEqual } from 'node:crypto';

/** Letters and digits that are not mistaken for each other. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789';

/** A new set-up code, e.g. `k7dm-x2vq-9hta`: 59 random bits. */
export function newSetupCode(): string {
  const group = (): string => Array.from({ length: 4 }, () => alphabet[randomInt(alphabet.length)]).join('');
  return [group(), group(), group()].join('-');
}

const digest = (code: string): Buffer => createHash('sha256').update(code.toLowerCase().replace(/[\s-]/g, '')).digest();

/** True when `given` is `code`, whatever its case, spaces and hyphens; takes the same time for every wrong code. */
export const isSetupCode = (given: string, code: string): boolean => timingSafeEqual(digest(given), digest(code));
