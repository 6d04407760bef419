import { randomUUID } from 'node:crypto';
import { openBlobs } from '../src/index.ts';
import { blobsConformance } from './conformance.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '' } = process.env;
const url = `s3://${S3_BUCKET}/adapter-${randomUUID()}?endpoint=${S3_ENDPOINT}`;

blobsConformance('the S3 adapter', () => Promise.resolve(openBlobs(url)));
