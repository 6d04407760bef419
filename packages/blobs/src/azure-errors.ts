import { BlobExistsError, BlobStoreError, StorageFullError } from './port.ts';

/** What is kept of an error of the SDK: the error itself holds requests and what signed them. */
export interface AzureFailure {
  /** Of the store, the SDK or the system; letters, digits and `._-` only. */
  readonly code: string;
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
}

const field = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined;

const plain = (value: unknown): string | undefined => (typeof value === 'string' && /^[\w.-]{1,80}$/.test(value) ? value : undefined);

/** Reads an error of the SDK. */
export function readAzureFailure(error: unknown): AzureFailure {
  const status = field(error, 'statusCode');
  return {
    code: plain(field(field(error, 'details'), 'errorCode')) ?? plain(field(error, 'code')) ?? plain(field(error, 'name')) ?? 'unknown',
    status: typeof status === 'number' ? status : undefined,
  };
}

const noContainerCodes = ['ContainerNotFound', 'ContainerBeingDeleted', 'ContainerDisabled'];
const noIdentityNames = [
  'CredentialUnavailableError',
  'AuthenticationRequiredError',
  'AuthenticationError',
  'AggregateAuthenticationError',
  'ChainedTokenCredential',
];

/** True for a blob that is not there, in a container that is. */
export function isAbsent(error: unknown): boolean {
  const { status, code } = readAzureFailure(error);
  return status === 404 && !noContainerCodes.includes(code);
}

/** `error` of a request about `container` as the port names it. Conditions (409, 412) and 404 of a blob are the caller's. */
export function translateAzure(error: unknown, container: string): Error {
  const { code, status } = readAzureFailure(error);
  if (status === 507 || code === 'AccountQuotaExceeded')
    return new StorageFullError(`No space left in the container ${container} (${code})`);
  if (noContainerCodes.includes(code))
    return new BlobStoreError(`BLOBS_URL names the container ${container}, which does not exist (${code})`);
  if (noIdentityNames.includes(String(field(error, 'name'))))
    return new BlobStoreError(
      'No credentials for the object store: set AZURE_STORAGE_CONNECTION_STRING or AZURE_STORAGE_KEY, or give this machine an identity',
    );
  if (status === 401 || status === 403)
    return new BlobStoreError(`The object store refuses access to the container ${container} (${status} ${code})`);
  if (status !== undefined && status >= 400) return new BlobStoreError(`The object store answers with an error (${status} ${code})`);
  // An AbortError here is a deadline of ours.
  return new BlobStoreError(`The object store does not answer (${code === 'AbortError' ? 'TimeoutError' : code})`);
}

/** As `translateAzure`, for a write that may have had the condition that `key` is not taken. */
export function translateAzureWrite(error: unknown, container: string, key: string, ifAbsent: boolean): Error {
  const { code, status } = readAzureFailure(error);
  // The blocks of one writer go when another one of the same blob is first.
  const isOvertaken = code === 'InvalidBlockList';
  if (status === 412 || code === 'BlobAlreadyExists' || (isOvertaken && ifAbsent)) return new BlobExistsError(`There is a blob ${key}`);
  return isOvertaken ? new BlobStoreError(`${key} was written by another at the same time`) : translateAzure(error, container);
}
