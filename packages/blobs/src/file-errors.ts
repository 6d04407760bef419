import { BlobExistsError, InvalidBlobKeyError, StorageFullError } from './port.ts';

/** Errno name of a system error, undefined for anything else. */
export function codeOf(error: unknown): string | undefined {
  return typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}

/** True when a path, or a folder on the way to it, is not there, or is not what the caller may follow. */
export const isAbsent = (error: unknown): boolean => ['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error) ?? '');

/** `error` as the port names it, else unchanged. EFBIG is the limit of a process or file system on one file. */
export function translate(error: unknown, key: string): unknown {
  switch (codeOf(error)) {
    case 'ENOSPC':
    case 'EDQUOT':
    case 'EFBIG':
      return new StorageFullError(`No space left to store ${key}`, { cause: error });
    case 'EEXIST':
      return new BlobExistsError(`There is a blob ${key}`, { cause: error });
    case 'EISDIR':
    case 'ENOTDIR':
    case 'ENOTEMPTY':
      return new InvalidBlobKeyError(`${key} is below a blob, or has blobs below it`, { cause: error });
    default:
      return error;
  }
}
