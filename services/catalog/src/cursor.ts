import { Problem } from '@kinora/contracts';
import { isOrderKey, type Sort } from './order.ts';

/** An opaque cursor for the page after the video with this key. */
export const encodeCursor = (sort: Sort, key: string): string => Buffer.from(`${sort} ${key}`, 'latin1').toString('base64url');

/** The key in a cursor made for `sort`. Takes any string. @throws {Problem} invalid-request */
export function decodeCursor(sort: Sort, cursor: string): string {
  const text = Buffer.from(cursor, 'base64url').toString('latin1');
  const key = text.slice(sort.length + 1);
  if (!text.startsWith(`${sort} `) || !isOrderKey(sort, key) || encodeCursor(sort, key) !== cursor)
    throw new Problem('invalid-request', { detail: 'This `after` was not given by a list in this order.' });
  return key;
}
