import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';
import { answerDeadlineMs, attempts, connectMs, maxConnections } from './deadlines.ts';
import { parseS3Url } from './s3-url.ts';

/** A bucket, or a part of one, with a client that reaches it. */
export interface S3Store {
  /** Its owner destroys it. Requests with a body pass `requestTimeout: answerDeadlineMs(bytes)` to `send`. */
  readonly client: S3Client;
  readonly bucket: string;
  /** What the store's keys have before the blob's key: empty, or ending in `/`. */
  readonly prefix: string;
}

/**
 * Opens the store at an `s3:` BLOBS_URL, without a request yet. Credentials come from the usual AWS chain.
 * @throws {Error} a sentence without secrets
 */
export function openS3Client(url: string): S3Store {
  const { bucket, prefix, endpoint, region, isPathStyle } = parseS3Url(url);
  const agent = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: 16 };
  const regionOrDefault = region ?? (endpoint === undefined ? undefined : (process.env.AWS_REGION ?? 'us-east-1'));
  const client = new S3Client({
    ...(endpoint !== undefined && { endpoint }),
    ...(regionOrDefault !== undefined && { region: regionOrDefault }),
    forcePathStyle: isPathStyle,
    maxAttempts: attempts,
    // Stores other than AWS do not all know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    requestHandler: {
      connectionTimeout: connectMs,
      requestTimeout: answerDeadlineMs(),
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent(agent),
    },
  });
  return { client, bucket, prefix };
}
