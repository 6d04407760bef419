import { afterEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand } from '@aws-sdk/client-s3';
import { BlobStoreError, openBlobs } from '../src/index.ts';
import { openS3Client } from '../src/s3-client.ts';
import { blobsConformance } from './conformance.ts';
import { remoteFaults } from './remote-faults.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '', AWS_SECRET_ACCESS_KEY } = process.env;
const urlOf = (prefix: string, host = new URL(S3_ENDPOINT).host, bucket = S3_BUCKET): string =>
  `s3://${bucket}/${prefix}?endpoint=http://${host}`;
const newPrefix = (): string => `adapter-${randomUUID()}`;

const suiteUrl = urlOf(newPrefix());
blobsConformance('the S3 adapter', () => Promise.resolve(openBlobs(suiteUrl)));

const faultyPrefix = newPrefix();
remoteFaults('the S3 adapter', {
  host: new URL(S3_ENDPOINT).host,
  keepsConnections: (await fetch(S3_ENDPOINT)).headers.get('connection') !== 'close',
  open: (host) => openBlobs(urlOf(faultyPrefix, host)),
  async leftovers() {
    const { client, bucket, prefix } = openS3Client(urlOf(faultyPrefix));
    const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket: bucket, Prefix: prefix }));
    client.destroy();
    return Uploads.length;
  },
});

describe('an S3 store that refuses', () => {
  afterEach(() => void (process.env.AWS_SECRET_ACCESS_KEY = AWS_SECRET_ACCESS_KEY));

  it('says in a plain sentence, without the secret, that the credentials are wrong', async () => {
    process.env.AWS_SECRET_ACCESS_KEY = 'a-wrong-secret';
    const blobs = openBlobs(urlOf('x'));
    const error = await blobs.ready().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'BlobStoreError',
      message: expect.stringMatching(/refuses access to the bucket kinora \(403 \w+\)$/),
    });
    expect(JSON.stringify({ ...(error as Error) })).toBe('{"name":"BlobStoreError"}');
    await expect(blobs.put('a', Buffer.from('x'))).rejects.toThrow(/refuses access/);
    await expect(blobs.read('a')).rejects.toThrow(/refuses access/);
    await blobs.close();
  });

  it('does not take an unknown access key for a missing bucket or blob', async () => {
    const { AWS_ACCESS_KEY_ID } = process.env;
    process.env.AWS_ACCESS_KEY_ID = 'nobody';
    const blobs = openBlobs(urlOf('x'));
    await expect(blobs.ready()).rejects.toThrow(/^The object store (refuses access|answers with an error)/);
    await expect(blobs.read('a')).rejects.toThrow(BlobStoreError);
    process.env.AWS_ACCESS_KEY_ID = AWS_ACCESS_KEY_ID;
    await blobs.close();
  });

  it('says that the bucket does not exist', async () => {
    const blobs = openBlobs(urlOf('x', undefined, 'kinora-nowhere'));
    const requests = [() => blobs.ready(), () => blobs.ping(), () => blobs.put('a', Buffer.from('x')), () => blobs.read('a')];
    for (const request of requests)
      await expect(request()).rejects.toThrow('BLOBS_URL names the bucket kinora-nowhere, which does not exist');
    await blobs.close();
  });

  it('says that nobody answers at the endpoint', async () => {
    const blobs = openBlobs('s3://kinora?endpoint=http://127.0.0.1:1');
    await expect(blobs.ping()).rejects.toThrow(/^The object store does not answer \(\w+\)$/);
    await blobs.close();
  });
});
