/** Limits that every adapter keeps alike. */
import { UnsupportedQueryError } from './port.ts';

export const DEFAULT_LIMIT = 1000;
export const DEFAULT_BATCH = 500;
/** MongoDB's limit for one document. */
export const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** An option that counts. @throws {UnsupportedQueryError} */
export function wholeNumber(name: string, value: number | undefined, fallback: number): number {
  if (value === undefined) return fallback;
  if (!Number.isSafeInteger(value) || value < 0) throw new UnsupportedQueryError(`${name} is a whole number from 0`);
  return value;
}
