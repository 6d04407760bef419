/** What MongoDB and its driver say went wrong, as the port says it. The server's own words are left out where they repeat documents. */
import type { MongoError } from 'mongodb';
import { DocumentStoreError, DuplicateKeyError } from './port.ts';

/** https://github.com/mongodb/mongo/blob/master/src/mongo/base/error_codes.yml */
const DUPLICATE_KEY = 11000;
const WRONG_TYPE = new Map([
  [2, 'a value has the wrong type for its operator'],
  [14, 'a value has the wrong type for its operator'],
  [28, 'a field cannot be set inside a value that is not an object'],
  [66, 'an update cannot change _id'],
  [171, 'a document has arrays on two paths of one index'],
]);
/** Document grown too large, by insert and by update. */
const TOO_LARGE = new Set([10334, 17280, 17419, 17420]);

/** The driver's errors for connections that fail, are not to be had or take too long (mongodb/src/error.ts). */
const UNANSWERED = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoOperationTimeoutError',
  'MongoPoolClearedError',
  'MongoServerSelectionError',
  'MongoWaitQueueTimeoutError',
  // Of calls under way at a client that is left.
  'MongoClientClosedError',
  'MongoTopologyClosedError',
]);
/** What tells of a client that finds no server or no answer in time. Not a busy pool: its calls would be lost with the client. */
const LOST = new Set(['MongoServerSelectionError', 'DocumentStoreError']);

interface ServerError extends Error {
  readonly code: number;
  readonly keyPattern?: Readonly<Record<string, unknown>>;
}

/** Whether the server refused, with its code. */
export function isServerError(error: unknown): error is ServerError {
  return error instanceof Error && 'code' in error && typeof error.code === 'number';
}

export function isDuplicate(error: unknown): boolean {
  return isServerError(error) && error.code === DUPLICATE_KEY;
}

/** The error that the port promises for what an operation on `collection` met. `indexPaths` are those of its indexes, by their names. */
export function portError(error: unknown, collection: string, indexPaths: ReadonlyMap<string, readonly string[]>): unknown {
  if (!isServerError(error)) return error;
  if (error.code === DUPLICATE_KEY) return new DuplicateKeyError(collection, takenKeys(error, indexPaths));
  const wrong = WRONG_TYPE.get(error.code);
  if (wrong !== undefined) return new TypeError(`${collection}: ${wrong} (MongoDB's error ${error.code})`);
  if (TOO_LARGE.has(error.code)) return new RangeError(`${collection}: a document is larger than MongoDB takes`);
  return error;
}

/** Paths of the index that refused. An error of many inserts has them in its words only, before the values. */
function takenKeys({ keyPattern, message }: ServerError, indexPaths: ReadonlyMap<string, readonly string[]>): readonly string[] {
  if (keyPattern) return Object.keys(keyPattern);
  const [words = ''] = message.split(' dup key:');
  const named = [...indexPaths].filter(([name]) => words.includes(name)).sort(([a], [b]) => b.length - a.length);
  return named[0]?.[1] ?? ['_id'];
}

/** The error itself, or the port's when there was no connection, or a server that stops or is no primary any more and says so. */
export function connectionError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  // Of inserts that met no answer the driver says so, and no more (mongodb/src/bulk/common.ts).
  if (error.name === 'MongoBulkWriteError' && !isServerError(error))
    return new DocumentStoreError('MongoDB does not answer', { cause: error });
  const isRefused = 'hasErrorLabel' in error && (error as MongoError).hasErrorLabel('RetryableWriteError');
  return isRefused || UNANSWERED.has(error.name)
    ? new DocumentStoreError(`MongoDB does not answer (${error.name})`, { cause: error })
    : error;
}

/** Whether a client that met this may never find its server again. */
export function isLost(error: unknown): boolean {
  return error instanceof Error && LOST.has(error.name);
}

/** Why there is no connection, in one sentence. */
export function driverReason(error: unknown, hosts: string): string {
  if (!(error instanceof Error)) return 'the driver gives no reason';
  if (isServerError(error) && error.code === 18) return `MongoDB at ${hosts} refuses the name or the password`;
  if (error.name === 'MongoServerSelectionError') return `no MongoDB server answers at ${hosts} (${error.message})`;
  return error.message;
}
