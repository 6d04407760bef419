import { InvalidBlobKeyError } from './port.ts';

const segment = '[A-Za-z0-9_-][A-Za-z0-9._-]*';
const keyPattern = new RegExp(`^${segment}(/${segment})*$`);
const prefixPattern = new RegExp(`^(${segment}/)*(${segment})?$`);
const namePattern = new RegExp(`^${segment}$`);
const maxLength = 512;

const shown = (text: string): string => JSON.stringify(text.length > 80 ? `${text.slice(0, 80)}…` : text);

/** True for a key that the port takes. */
export const isKey = (key: string): boolean => key.length <= maxLength && keyPattern.test(key);

/** True for one segment of a key. */
export const isSegment = (name: string): boolean => namePattern.test(name);

/** `key` itself. @throws {InvalidBlobKeyError} when it is none */
export function checkKey(key: string): string {
  if (!isKey(key)) throw new InvalidBlobKeyError(`Not a blob key: ${shown(key)}`);
  return key;
}

/** `prefix` itself: empty, or the beginning of a key. @throws {InvalidBlobKeyError} when no key can start so */
export function checkPrefix(prefix: string): string {
  if (prefix.length > maxLength || !prefixPattern.test(prefix))
    throw new InvalidBlobKeyError(`Not the beginning of a blob key: ${shown(prefix)}`);
  return prefix;
}

/** `prefix` itself: a folder of keys, ending in `/`. @throws {InvalidBlobKeyError} */
export function checkFolder(prefix: string): string {
  if (!prefix.endsWith('/')) throw new InvalidBlobKeyError(`Not a folder of blobs, which ends in "/": ${shown(prefix)}`);
  return checkPrefix(prefix);
}
