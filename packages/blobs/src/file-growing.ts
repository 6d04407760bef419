/**
 * Growing blobs as files at their key. The offset is the length of the file, so that whatever has arrived survives the end of the process.
 * The state is empty, or the number of bytes that count while bytes arrive that are to count whole.
 */
import { constants } from 'node:fs';
import { copyFile, open, stat, unlink, type FileHandle } from 'node:fs/promises';
import { isAbsent, translate } from './file-errors.ts';
import type { FileWriter } from './file-write.ts';
import type { AppendOptions, Appending, Growing, GrowingBlob, Remains } from './growing.ts';
import { BlobNotFoundError, type BlobInfo } from './port.ts';

export interface FileGrowingOptions {
  /** Path of a valid key. @throws {InvalidBlobKeyError} */
  readonly path: (key: string) => Promise<string>;
  readonly writer: FileWriter;
  readonly stat: (key: string) => Promise<BlobInfo | undefined>;
  readonly list: (prefix: string) => AsyncIterable<BlobInfo>;
}

const writeFlags = constants.O_WRONLY | constants.O_NOFOLLOW;

const undefinedWhenAbsent = (error: unknown): undefined => {
  if (!isAbsent(error)) throw error;
};

/** Bytes that count in a file of `bytes`. */
const counted = (state: string, bytes: number): number => (state === '' ? bytes : Math.min(Number(state), bytes));

/** What remains of `batch` after its first `bytes`. */
function after(batch: readonly Buffer[], bytes: number): readonly Buffer[] {
  let skip = bytes;
  const first = batch.findIndex((chunk) => {
    if (skip < chunk.length) return true;
    skip -= chunk.length;
    return false;
  });
  return first < 0 ? [] : batch.slice(first).map((chunk, i) => (i === 0 ? chunk.subarray(skip) : chunk));
}

class FileAppending implements Appending {
  readonly #key: string;
  readonly #handle: FileHandle;
  readonly #options: AppendOptions;
  readonly #start: number;
  #position: number;
  #failure: { readonly error: unknown } | undefined;

  constructor(key: string, handle: FileHandle, start: number, options: AppendOptions) {
    this.#key = key;
    this.#handle = handle;
    this.#options = options;
    this.#start = start;
    this.#position = start;
  }

  /** Writes every byte: a nearly full disk takes a part first and fails at the next call. */
  async write(chunks: readonly Buffer[]): Promise<void> {
    try {
      for (let rest = chunks; rest.length > 0;) {
        const { bytesWritten } = await this.#handle.writev(rest, this.#position);
        this.#position += bytesWritten;
        rest = after(rest, bytesWritten);
      }
    } catch (error) {
      this.#failure = { error: translate(error, this.#key) };
      throw this.#failure.error;
    }
  }

  async keep(): Promise<number> {
    if (this.#failure && this.#options.isWhole) await this.drop();
    else
      try {
        await this.#options.record('');
      } finally {
        await this.#handle.close();
      }
    if (this.#failure) throw this.#failure.error;
    return this.#position;
  }

  async drop(): Promise<void> {
    try {
      await this.#handle.truncate(this.#start);
      await this.#options.record('');
    } finally {
      await this.#handle.close();
    }
  }
}

class FileGrowing implements Growing {
  readonly #options: FileGrowingOptions;

  constructor(options: FileGrowingOptions) {
    this.#options = options;
  }

  async create(key: string): Promise<string> {
    const { writer } = this.#options;
    const path = await this.#options.path(key);
    let empty: string | undefined;
    try {
      empty = await writer.write(new Uint8Array(), undefined);
      await writer.place(empty, path, true);
    } catch (error) {
      throw translate(error, key);
    } finally {
      if (empty !== undefined) await writer.discard(empty);
    }
    return '';
  }

  async offset({ key, state }: GrowingBlob): Promise<number | undefined> {
    const found = await stat(await this.#options.path(key)).catch(undefinedWhenAbsent);
    return found && counted(state, found.size);
  }

  async append({ key, state }: GrowingBlob, options: AppendOptions): Promise<Appending> {
    const handle = await this.#open(key);
    try {
      const { size } = await handle.stat();
      const start = counted(state, size);
      // Only now is it certain that this is the file that nobody else appends to: `fence` puts another one in its place.
      await options.record(options.isWhole ? String(start) : state);
      if (size > start) await handle.truncate(start);
      if (!options.isWhole && state !== '') await options.record('');
      return new FileAppending(key, handle, start, options);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  async #open(key: string): Promise<FileHandle> {
    const handle = await open(await this.#options.path(key), writeFlags).catch(undefinedWhenAbsent);
    if (!handle) throw new BlobNotFoundError(`There is no growing blob ${key}`);
    return handle;
  }

  /** A copy takes the place of the file: a writer that is only paused goes on in the one that is no longer there. */
  async fence({ key }: GrowingBlob): Promise<void> {
    const { writer } = this.#options;
    const path = await this.#options.path(key);
    const copy = await writer.write(new Uint8Array(), undefined);
    try {
      await copyFile(path, copy, constants.COPYFILE_FICLONE);
      await using handle = await open(copy, 'r+');
      await handle.sync();
      await writer.place(copy, path, false);
    } catch (error) {
      if (!isAbsent(error)) throw translate(error, key);
    } finally {
      await writer.discard(copy);
    }
  }

  async finish({ key, lengthBytes, state }: GrowingBlob): Promise<BlobInfo> {
    await using handle = await this.#open(key);
    await handle.sync();
    const info = await this.#options.stat(key);
    if (info?.bytes !== lengthBytes || state !== '') throw new BlobNotFoundError(`${key} lacks bytes`);
    return info;
  }

  async remove(key: string): Promise<void> {
    await unlink(await this.#options.path(key)).catch(undefinedWhenAbsent);
  }

  /** Nothing is left beside a file. */
  async tidy(): Promise<void> {}

  /** A file that grows is listed as a blob already. */
  async *remains(prefix: string, beforeMs: number): AsyncIterable<Remains> {
    for await (const { key, modifiedAt } of this.#options.list(prefix)) if (Date.parse(modifiedAt) < beforeMs) yield { key, isBlob: true };
  }
}

/** Growing blobs in the folder of the file adapter. */
export const openFileGrowing = (options: FileGrowingOptions): Growing => new FileGrowing(options);
