import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  UploadPartCommand,
} from '@aws-sdk/client-s3';
import { contentTypeOf } from './content-type.ts';
import { answerDeadlineMs, requestDeadlineMs } from './deadlines.ts';
import type { PartialUpload } from './object-store.ts';
import type { S3Store } from './s3-client.ts';
import { etagOf, translateS3, translateS3Write } from './s3-errors.ts';

const firstPartBytes = 8 * 1024 * 1024;
const partsOfOneSize = 2_000;

/** Parts begin small and double every 2 000: 10 000 parts, which is all that S3 takes, hold 484 GiB. */
export const uploadPartBytes = (number: number): number => firstPartBytes * 2 ** Math.floor((number - 1) / partsOfOneSize);

/** Time that a store may take to put the parts of a large blob together, ms. */
const completeMs = 120_000;

/** Begins a multipart upload to `key`. @throws {BlobStoreError} */
export async function beginS3Upload(store: S3Store, key: string, mark: string, signal: AbortSignal): Promise<PartialUpload> {
  const { client, bucket: Bucket, prefix } = store;
  const at = { Bucket, Key: prefix + key };
  const request = new CreateMultipartUploadCommand({ ...at, ContentType: contentTypeOf(key), Metadata: { kinoraput: mark } });
  try {
    const { UploadId } = await client.send(request, { abortSignal: signal });
    return upload(store, key, { ...at, UploadId });
  } catch (error) {
    throw translateS3(error, Bucket);
  }
}

interface UploadName {
  readonly Bucket: string;
  readonly Key: string;
  readonly UploadId: string | undefined;
}

function upload({ client, bucket }: S3Store, key: string, name: UploadName): PartialUpload {
  const etags: string[] = [];
  return {
    async put(number, bytes, signal) {
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(requestDeadlineMs(bytes.length))]);
      const request = new UploadPartCommand({ ...name, PartNumber: number, Body: bytes, ContentLength: bytes.length });
      try {
        const sent = await client.send(request, { abortSignal, requestTimeout: answerDeadlineMs(bytes.length) });
        etags[number - 1] = sent.ETag ?? '';
      } catch (error) {
        throw translateS3(error, bucket);
      }
    },
    async complete({ ifAbsent, signal: abortSignal }) {
      const Parts = etags.map((ETag, at) => ({ ETag, PartNumber: at + 1 }));
      const condition = ifAbsent ? { IfNoneMatch: '*' } : {};
      const request = new CompleteMultipartUploadCommand({ ...name, MultipartUpload: { Parts }, ...condition });
      try {
        return etagOf(await client.send(request, { abortSignal, requestTimeout: completeMs }));
      } catch (error) {
        throw translateS3Write(error, bucket, key);
      }
    },
    async abort() {
      await client.send(new AbortMultipartUploadCommand(name), { abortSignal: AbortSignal.timeout(requestDeadlineMs()) });
    },
  };
}
