import { randomUUID } from 'node:crypto';
import { ListMultipartUploadsCommand, ListObjectsV2Command } from '@aws-sdk/client-s3';
import type { PartLimits } from '../src/growing-state.ts';
import { openS3Blobs } from '../src/s3.ts';
import { openS3Client } from '../src/s3-client.ts';
import { s3PartLimits } from '../src/s3-growing.ts';
import { growingConformance } from './growing-conformance.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '' } = process.env;

function suite(name: string, limits: PartLimits): void {
  const url = `s3://${S3_BUCKET}/growing-${randomUUID()}?endpoint=${S3_ENDPOINT}`;
  const { client, bucket: Bucket, prefix } = openS3Client(url);
  growingConformance(name, {
    open: () => Promise.resolve(openS3Blobs(url, limits)),
    unitBytes: limits.minPartBytes,
    isSeenGrowing: false,
    async strays(key) {
      const { Uploads = [] } = await client.send(new ListMultipartUploadsCommand({ Bucket, Prefix: prefix + key }));
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket, Prefix: `${prefix}.growing/${key}` }));
      return [...Uploads, ...Contents].map(({ Key = '' }) => Key);
    },
  });
}

suite('the S3 adapter', { ...s3PartLimits, minPartBytes: 5 * 1024 * 1024 });
// As it is for blobs of hundreds of gigabytes, whose parts do not fit in memory.
suite('the S3 adapter with parts made of pieces', { ...s3PartLimits, minPartBytes: 6_000_000, heldBytes: 2_500_000 });
