import { describe, expect, it } from '@jest/globals';
import { parseAzureUrl } from './azure-url.ts';
import { parseS3Url } from './s3-url.ts';

describe('an s3: BLOBS_URL', () => {
  const here = { prefix: '', endpoint: undefined, region: undefined, isPathStyle: false };
  it.each([
    ['s3://kinora', { ...here, bucket: 'kinora' }],
    ['s3://kinora/', { ...here, bucket: 'kinora' }],
    ['s3://kinora/a/b?region=eu-west-1', { ...here, bucket: 'kinora', prefix: 'a/b/', region: 'eu-west-1' }],
    ['s3://kinora/a/', { ...here, bucket: 'kinora', prefix: 'a/' }],
    ['s3://kinora?style=path', { ...here, bucket: 'kinora', isPathStyle: true }],
    ['s3://kinora?endpoint=http://minio:9000/', { ...here, bucket: 'kinora', endpoint: 'http://minio:9000', isPathStyle: true }],
    ['s3://kinora?endpoint=https://s3.example.com&style=virtual', { ...here, bucket: 'kinora', endpoint: 'https://s3.example.com' }],
    [
      's3://kinora?endpoint=https%3A%2F%2Fx.example.com%2Fs3',
      { ...here, bucket: 'kinora', endpoint: 'https://x.example.com/s3', isPathStyle: true },
    ],
  ])('is read as it stands: %s', (url, location) => {
    expect(parseS3Url(url)).toEqual(location);
  });

  it.each([
    's3:kinora',
    's3://',
    's3://Kinora',
    's3://ki',
    's3://kinora:9000',
    's3://kinora#x',
    's3://kinora/a//b',
    's3://kinora/.a',
    's3://kinora/%61',
    's3://kinora?bucket=x',
    's3://kinora?style=host',
    's3://kinora?style=path&style=path',
    's3://kinora?region=',
    's3://kinora?region=eu west',
    's3://kinora?endpoint=minio:9000',
    's3://kinora?endpoint=ftp://minio',
    's3://kinora?endpoint=http://minio?x=1',
  ])('is refused in a sentence: %s', (url) => {
    expect(() => parseS3Url(url)).toThrow(/^BLOBS_URL /);
  });

  it.each([
    's3://id:hush@kinora',
    's3://kinora?endpoint=http://id:hush@minio:9000',
    's3://kinora?secret=hush',
    's3://kinora?region=hush%2F',
  ])('is refused without repeating what may be a secret: %s', (url) => {
    expect(() => parseS3Url(url)).toThrow(/^(?!.*hush)BLOBS_URL /);
  });
});

describe('an azure: BLOBS_URL', () => {
  const connected = { AZURE_STORAGE_CONNECTION_STRING: 'UseDevelopmentStorage=true' };
  const byString = { kind: 'connection-string', connectionString: 'UseDevelopmentStorage=true' };
  const acme = 'https://acme.blob.core.windows.net';
  const [local, sovereign] = ['http://127.0.0.1:10000/devstoreaccount1', 'https://acme.blob.core.usgovcloudapi.net'];
  it.each([
    ['azure://kinora', connected, { prefix: '', endpoint: undefined, access: byString }],
    ['azure://kinora/a?account=acme', connected, { prefix: 'a/', endpoint: acme, access: byString }],
    ['azure://kinora?account=acme', {}, { prefix: '', endpoint: acme, access: { kind: 'identity' } }],
    [
      'azure://kinora?account=acme',
      { AZURE_STORAGE_KEY: 'k' },
      { prefix: '', endpoint: acme, access: { kind: 'key', account: 'acme', key: 'k' } },
    ],
    [`azure://kinora?endpoint=${sovereign}`, {}, { prefix: '', endpoint: sovereign, access: { kind: 'identity' } }],
    [
      `azure://kinora?endpoint=${sovereign}`,
      { AZURE_STORAGE_KEY: 'k' },
      { prefix: '', endpoint: sovereign, access: { kind: 'key', account: 'acme', key: 'k' } },
    ],
    [
      `azure://kinora?endpoint=${local}`,
      { AZURE_STORAGE_KEY: 'k' },
      { prefix: '', endpoint: local, access: { kind: 'key', account: 'devstoreaccount1', key: 'k' } },
    ],
    [
      'azure://kinora?account=acme&endpoint=https://blobs.example.com',
      { AZURE_STORAGE_KEY: 'k' },
      { prefix: '', endpoint: 'https://blobs.example.com', access: { kind: 'key', account: 'acme', key: 'k' } },
    ],
  ])('is read with the credentials there are: %s %j', (url, env, location) => {
    expect(parseAzureUrl(url, env)).toEqual({ container: 'kinora', ...location });
  });

  it.each([
    ['azure://kinora', {}],
    ['azure://x', connected],
    ['azure://a--b', connected],
    ['azure://kinora?account=A_B', connected],
    ['azure://kinora?accountName=acme', connected],
    ['azure://me:hush@kinora?account=acme', connected],
    ['azure://kinora?account=acme&key=hush', connected],
    ['azure://kinora?endpoint=https://blobs-1.example.com', { AZURE_STORAGE_KEY: 'hush' }],
  ])('is refused in a sentence without secrets: %s', (url, env) => {
    expect(() => parseAzureUrl(url, env)).toThrow(/^(?!.*hush)BLOBS_URL /);
  });
});
