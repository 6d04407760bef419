import { describe, expect, it } from '@jest/globals';
import { isAbsent as isAbsentInAzure, translateAzure, translateAzureWrite } from './azure-errors.ts';
import { BlobExistsError, BlobStoreError, StorageFullError } from './port.ts';
import { isAbsent as isAbsentInS3, translateS3, translateS3Write } from './s3-errors.ts';

const secret = 'AKIAEXAMPLE/wJalrXUtnFEMI';
const s3 = (httpStatusCode: number, Code: string): Error =>
  Object.assign(new Error(`said ${secret}`), { name: Code, Code, $metadata: { httpStatusCode }, StringToSign: secret });
const azure = (statusCode: number, errorCode: string): Error =>
  Object.assign(new Error(`said ${secret}`), { statusCode, details: { errorCode }, request: { headers: secret } });

/** Everything that a log could show of `error`. */
const shown = (error: Error): string => JSON.stringify([error.message, error.stack, error.cause, { ...error }]);

describe('an error of an S3 store', () => {
  it.each([
    [s3(507, 'Insufficient'), StorageFullError, /No space left in the bucket b/],
    [s3(400, 'QuotaExceeded'), StorageFullError, /QuotaExceeded/],
    [s3(403, 'SignatureDoesNotMatch'), BlobStoreError, /refuses access to the bucket b \(403 SignatureDoesNotMatch\)/],
    [s3(404, 'NoSuchBucket'), BlobStoreError, /names the bucket b, which does not exist/],
    [s3(301, 'PermanentRedirect'), BlobStoreError, /another region or endpoint/],
    [s3(503, 'SlowDown'), BlobStoreError, /503 SlowDown/],
    [s3(500, `<${secret}>`), BlobStoreError, /500 unknown/],
    [Object.assign(new Error(secret), { code: 'ECONNRESET' }), BlobStoreError, /does not answer \(ECONNRESET\)/],
    [Object.assign(new Error(secret), { name: 'AbortError' }), BlobStoreError, /does not answer \(TimeoutError\)/],
    [secret, BlobStoreError, /does not answer \(unknown\)/],
  ])('becomes one of the port, with its code and without a secret: %s', (error, type, message) => {
    const translated = translateS3(error, 'b');
    expect(translated).toBeInstanceOf(type);
    expect(translated.message).toMatch(message);
    expect(shown(translated)).not.toContain(secret);
  });

  it('says that a key is taken, or absent', () => {
    expect(translateS3Write(s3(412, 'PreconditionFailed'), 'b', 'k')).toBeInstanceOf(BlobExistsError);
    expect(translateS3Write(s3(409, 'ConditionalRequestConflict'), 'b', 'k')).toBeInstanceOf(BlobExistsError);
    expect(translateS3Write(s3(403, 'AccessDenied'), 'b', 'k')).toBeInstanceOf(BlobStoreError);
    expect([s3(404, 'NoSuchKey'), s3(404, 'NotFound'), s3(404, 'NoSuchBucket'), s3(403, 'NoSuchKey')].map(isAbsentInS3)).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe('an error of an Azure store', () => {
  it.each([
    [azure(507, 'Full'), StorageFullError, /No space left in the container c/],
    [azure(403, 'AuthenticationFailed'), BlobStoreError, /refuses access to the container c \(403 AuthenticationFailed\)/],
    [azure(404, 'ContainerNotFound'), BlobStoreError, /names the container c, which does not exist/],
    [azure(503, 'ServerBusy'), BlobStoreError, /503 ServerBusy/],
    [Object.assign(new Error(secret), { name: 'CredentialUnavailableError' }), BlobStoreError, /No credentials/],
    [Object.assign(new Error(secret), { code: 'ENOTFOUND' }), BlobStoreError, /does not answer \(ENOTFOUND\)/],
    [secret, BlobStoreError, /does not answer \(unknown\)/],
  ])('becomes one of the port, with its code and without a secret: %s', (error, type, message) => {
    const translated = translateAzure(error, 'c');
    expect(translated).toBeInstanceOf(type);
    expect(translated.message).toMatch(message);
    expect(shown(translated)).not.toContain(secret);
  });

  it('says that a key is taken, or absent', () => {
    expect(translateAzureWrite(azure(409, 'BlobAlreadyExists'), 'c', 'k', true)).toBeInstanceOf(BlobExistsError);
    expect(translateAzureWrite(azure(412, 'ConditionNotMet'), 'c', 'k', true)).toBeInstanceOf(BlobExistsError);
    expect(translateAzureWrite(azure(400, 'InvalidBlockList'), 'c', 'k', true)).toBeInstanceOf(BlobExistsError);
    expect(translateAzureWrite(azure(400, 'InvalidBlockList'), 'c', 'k', false)).toBeInstanceOf(BlobStoreError);
    expect([azure(404, 'BlobNotFound'), azure(404, 'ContainerNotFound')].map(isAbsentInAzure)).toEqual([true, false]);
  });
});
