import { randomBytes } from 'node:crypto';
import type { BlockBlobClient } from '@azure/storage-blob';
import { translateAzure, translateAzureWrite } from './azure-errors.ts';
import type { AzureStore } from './azure-client.ts';
import { contentTypeOf } from './content-type.ts';
import { requestDeadlineMs } from './deadlines.ts';
import type { PartialUpload } from './object-store.ts';

/** 50 000 blocks, which is all that Azure takes, hold 390 GiB. */
export const blockBytes = (): number => 8 * 1024 * 1024;

/** Time that the store may take to put the blocks of a large blob together, ms. */
const commitMs = 120_000;

/** Block ids of one blob must be equally long, and another writer's must differ. */
const blockId = (upload: string, number: number): string => Buffer.from(`${upload}-${String(number).padStart(6, '0')}`).toString('base64');

/** Stages blocks of `blob`. What is not committed goes by itself a week later; the store has no way to remove it without a trace. */
export function beginAzureUpload({ container }: AzureStore, blob: BlockBlobClient, key: string, mark: string): PartialUpload {
  const upload = randomBytes(12).toString('hex');
  let blocks = 0;
  return {
    async put(number, bytes, signal) {
      const abortSignal = AbortSignal.any([signal, AbortSignal.timeout(requestDeadlineMs(bytes.length))]);
      blocks = Math.max(blocks, number);
      try {
        await blob.stageBlock(blockId(upload, number), bytes, bytes.length, { abortSignal });
      } catch (error) {
        throw translateAzure(error, container.containerName);
      }
    },
    async complete({ ifAbsent, signal }) {
      const ids = Array.from({ length: blocks }, (_, at) => blockId(upload, at + 1));
      try {
        const { etag = '' } = await blob.commitBlockList(ids, {
          abortSignal: AbortSignal.any([signal, AbortSignal.timeout(commitMs)]),
          blobHTTPHeaders: { blobContentType: contentTypeOf(key) },
          metadata: { kinoraput: mark },
          ...(ifAbsent && { conditions: { ifNoneMatch: '*' } }),
        });
        return etag.replaceAll('"', '');
      } catch (error) {
        throw translateAzureWrite(error, container.containerName, key, ifAbsent);
      }
    },
    abort: () => Promise.resolve(),
  };
}
