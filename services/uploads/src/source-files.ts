/** Files that become sources. They lie where the blob store keeps `sourceKey`, so that a finished one is a blob without being copied. */
import { constants } from 'node:fs';
import { mkdir, open, stat, truncate, unlink, type FileHandle } from 'node:fs/promises';
import path from 'node:path';
import { StorageFullError, type Blobs } from '@kinora/blobs';
import { sourceKey } from '@kinora/contracts';

export interface SourceFiles {
  /** An empty file that survives a power cut. @throws {StorageFullError} */
  create(uploadId: string): Promise<void>;
  /** Bytes on disk, or undefined when there is no file. */
  offset(uploadId: string): Promise<number | undefined>;
  /** For writing; the caller closes it. */
  open(uploadId: string): Promise<FileHandle>;
  truncate(uploadId: string, bytes: number): Promise<void>;
  /** Resolves when every byte is on the disk. */
  sync(uploadId: string): Promise<void>;
  /** No error when absent. */
  remove(uploadId: string): Promise<void>;
  /** Ids of files last written before `beforeMs` (epoch). */
  olderThan(beforeMs: number): AsyncIterable<string>;
}

const codeOf = (error: unknown): string => String((error as { code?: unknown } | undefined)?.code);

/** A full disk or quota as the port's error, anything else as it is. */
export const asStorageError = (error: unknown): unknown =>
  ['ENOSPC', 'EDQUOT', 'EFBIG'].includes(codeOf(error)) ? new StorageFullError('No space left for the source', { cause: error }) : error;

const whenAbsent = (error: unknown): undefined => {
  if (codeOf(error) !== 'ENOENT') throw error;
};

async function syncPath(file: string, flags: number): Promise<void> {
  const handle = await open(file, flags);
  await handle.sync().finally(() => handle.close());
}

/** Files below the folder of `blobs`. @throws {Error} when it has none */
export function openSourceFiles(blobs: Blobs): SourceFiles {
  const { directory } = blobs;
  if (directory === undefined) throw new Error('uploads needs BLOBS_URL to be a folder (file:)');
  const pathOf = (uploadId: string): string => path.join(directory, sourceKey(uploadId));
  return {
    async create(uploadId) {
      const file = pathOf(uploadId);
      try {
        await mkdir(path.dirname(file), { recursive: true });
        await (await open(file, 'wx', 0o640)).close();
        await syncPath(path.dirname(file), constants.O_RDONLY);
      } catch (error) {
        throw asStorageError(error);
      }
    },
    offset: async (uploadId) => (await stat(pathOf(uploadId)).catch(whenAbsent))?.size,
    open: (uploadId) => open(pathOf(uploadId), constants.O_WRONLY | constants.O_NOFOLLOW),
    truncate: (uploadId, bytes) => truncate(pathOf(uploadId), bytes),
    sync: (uploadId) => syncPath(pathOf(uploadId), constants.O_RDWR | constants.O_NOFOLLOW),
    remove: (uploadId) => unlink(pathOf(uploadId)).catch(whenAbsent),
    async *olderThan(beforeMs) {
      for await (const { key, modifiedAt } of blobs.list('uploads/')) {
        if (Date.parse(modifiedAt) < beforeMs) yield key.slice('uploads/'.length);
      }
    },
  };
}
