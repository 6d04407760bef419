/** What MongoDB and its driver say went wrong, as the port says it. The server's own words are left out where they repeat documents. */
import { DuplicateKeyError } from './port.ts';

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

/** Why there is no connection, in one sentence. */
export function driverReason(error: unknown, hosts: string): string {
  if (!(error instanceof Error)) return 'the driver gives no reason';
  if (isServerError(error) && error.code === 18) return `MongoDB at ${hosts} refuses the name or the password`;
  if (error.name === 'MongoServerSelectionError') return `no MongoDB server answers at ${hosts} (${error.message})`;
  return error.message;
}
