import { BlobExistsError, BlobStoreError, StorageFullError } from './port.ts';

/** What is kept of an error of the SDK: the error itself holds requests and what signed them. */
export interface S3Failure {
  /** Of the store, the SDK or the system; letters, digits and `._-` only. */
  readonly code: string;
  /** Undefined when there was no answer. */
  readonly status: number | undefined;
}

const field = (of: unknown, name: string): unknown =>
  typeof of === 'object' && of !== null ? (of as Record<string, unknown>)[name] : undefined;

const plain = (value: unknown): string | undefined => (typeof value === 'string' && /^[\w.-]{1,80}$/.test(value) ? value : undefined);

/** Reads an error of the SDK. */
export function readS3Failure(error: unknown): S3Failure {
  const status = field(field(error, '$metadata'), 'httpStatusCode');
  return {
    code: plain(field(error, 'code')) ?? plain(field(error, 'Code')) ?? plain(field(error, 'name')) ?? 'unknown',
    status: typeof status === 'number' ? status : undefined,
  };
}

/** What a 404 about a key or its upload says; the last ones stand for an answer without a body, as to a HEAD. Others are about a bucket, or who asks. */
const absentCodes = ['NoSuchKey', 'NoSuchVersion', 'NoSuchUpload', 'NotFound', 'UnknownError', 'unknown'];

/** True for a key that is not there, in a bucket that is. */
export function isAbsent(error: unknown): boolean {
  const { status, code } = readS3Failure(error);
  return status === 404 && absentCodes.includes(code);
}

/** Gateways over a file system say the last when a folder goes in the same moment. */
const conflictCodes = ['ConditionalRequestConflict', 'OperationAborted', 'ExistingObjectIsDirectory'];

/** True when a key was written or deleted at the same moment: the store wants another try. */
export const isConflict = (error: unknown): boolean => conflictCodes.includes(readS3Failure(error).code);

/** What stores say when there is no room: AWS has no such limit, others do. */
const fullCodes = [
  'QuotaExceeded',
  'QuotaExceededException',
  'XMinioStorageFull',
  'XMinioAdminBucketQuotaExceeded',
  'InsufficientStorage',
  'StorageFull',
  'NoSpaceLeft',
];
const otherPlaceCodes = ['PermanentRedirect', 'TemporaryRedirect', 'AuthorizationHeaderMalformed', 'IllegalLocationConstraintException'];

/** `error` of a request about `bucket` as the port names it. Conditions (409, 412) and 404 of a key are the caller's. */
export function translateS3(error: unknown, bucket: string): Error {
  const { code, status } = readS3Failure(error);
  if (status === 507 || fullCodes.includes(code)) return new StorageFullError(`No space left in the bucket ${bucket} (${code})`);
  if (code === 'NoSuchBucket') return new BlobStoreError(`BLOBS_URL names the bucket ${bucket}, which does not exist`);
  if (code === 'CredentialsProviderError')
    return new BlobStoreError(
      'No credentials for the object store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give this machine a role',
    );
  if (otherPlaceCodes.includes(code))
    return new BlobStoreError(`BLOBS_URL needs another region or endpoint for the bucket ${bucket} (${code})`);
  if (status === 401 || status === 403)
    return new BlobStoreError(`The object store refuses access to the bucket ${bucket} (${status} ${code})`);
  if (status !== undefined && status >= 400) return new BlobStoreError(`The object store answers with an error (${status} ${code})`);
  if (field(error, 'message') === 'Region is missing') return new BlobStoreError('BLOBS_URL needs region=…, or set AWS_REGION');
  // An AbortError here is a deadline of ours.
  return new BlobStoreError(`The object store does not answer (${code === 'AbortError' ? 'TimeoutError' : code})`);
}

/** As `translateS3`, for a write that may have had the condition that `key` is not taken. */
export function translateS3Write(error: unknown, bucket: string, key: string): Error {
  const { code, status } = readS3Failure(error);
  const isTaken = status === 412 || code === 'PreconditionFailed' || code === 'ConditionalRequestConflict';
  return isTaken ? new BlobExistsError(`There is a blob ${key}`) : translateS3(error, bucket);
}

/** ETag of an answer without its quotes. */
export const etagOf = ({ ETag = '' }: { readonly ETag?: string | undefined }): string => ETag.replace(/^"|"$/g, '');
