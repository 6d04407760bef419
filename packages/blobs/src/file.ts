import { constants, mkdirSync, realpathSync } from 'node:fs';
import type { BigIntStats } from 'node:fs';
import { access, lstat, open, readdir, realpath, unlink, type FileHandle } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { Readable } from 'node:stream';
import { isAbsent, translate } from './file-errors.ts';
import { openFileGrowing } from './file-growing.ts';
import { FileWriter } from './file-write.ts';
import type { Growing } from './growing.ts';
import { checkFolder, checkKey, checkPrefix, isKey, isSegment } from './key.ts';
import { BlobNotFoundError, InvalidBlobKeyError } from './port.ts';
import type { BlobBody, BlobInfo, BlobReader, Blobs, ByteRange, StoredBlob } from './port.ts';

/** NOFOLLOW: a symbolic link is no blob. NONBLOCK: opening a pipe that lies here does not hang. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const streamChunkBytes = 256 * 1024;
const maxFoldersKnown = 10_000;

const infoOf = (key: string, stats: BigIntStats): BlobInfo => ({
  key,
  bytes: Number(stats.size),
  etag: `${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}`,
  modifiedAt: new Date(Number(stats.mtimeMs)).toISOString(),
});

const undefinedWhenAbsent = (error: unknown): undefined => {
  if (!isAbsent(error)) throw error;
};

class FileReader implements BlobReader {
  readonly info: BlobInfo;
  readonly handle: FileHandle;
  constructor(info: BlobInfo, handle: FileHandle) {
    this.info = info;
    this.handle = handle;
  }

  async read(target: Uint8Array, position: number): Promise<number> {
    let filled = 0;
    while (filled < target.length) {
      const { bytesRead } = await this.handle.read(target, filled, target.length - filled, position + filled);
      if (bytesRead === 0) break;
      filled += bytesRead;
    }
    return filled;
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

class FileBlobs implements Blobs {
  readonly directory: string;
  readonly growing: Growing;
  readonly #root: string;
  readonly #writer: FileWriter;
  /** Folders seen to lie inside the root: asked of the file system once, as each question is a trip to another thread. */
  readonly #inside = new Set<string>();

  constructor(folder: string) {
    this.directory = resolve(folder);
    mkdirSync(this.directory, { recursive: true });
    this.#root = realpathSync(this.directory);
    this.#writer = new FileWriter(this.#root);
    this.growing = openFileGrowing({
      path: async (key) => (await this.#path(key)) ?? join(this.#root, key),
      writer: this.#writer,
      stat: (key) => this.stat(key),
      list: (prefix) => this.list(prefix),
    });
  }

  /** Path of `key`, checked to lie inside the root after symbolic links; undefined when its folder does not exist. */
  async #path(key: string): Promise<string | undefined> {
    const path = join(this.#root, checkKey(key));
    const asked = dirname(path);
    if (this.#inside.has(asked)) return path;
    const folder = await realpath(asked).catch(undefinedWhenAbsent);
    if (folder === undefined) return undefined;
    if (folder !== this.#root && !folder.startsWith(this.#root + sep)) throw new InvalidBlobKeyError(`${key} leads out of the blob folder`);
    if (this.#inside.size >= maxFoldersKnown) this.#inside.clear();
    this.#inside.add(asked);
    return path;
  }

  async put(
    key: string,
    body: BlobBody,
    options: { readonly ifAbsent?: boolean; readonly signal?: AbortSignal } = {},
  ): Promise<StoredBlob> {
    await this.#path(key);
    const path = join(this.#root, key);
    const ifAbsent = options.ifAbsent === true;
    let temporary: string | undefined;
    try {
      temporary = await this.#writer.write(body, options.signal);
      const stats = await lstat(temporary, { bigint: true });
      await this.#writer.place(temporary, path, ifAbsent);
      const { bytes, etag } = infoOf(key, stats);
      return { key, bytes, etag };
    } catch (error) {
      throw translate(error, key);
    } finally {
      if (temporary !== undefined) await this.#writer.discard(temporary);
    }
  }

  async stat(key: string): Promise<BlobInfo | undefined> {
    const path = await this.#path(key);
    const stats = path === undefined ? undefined : await lstat(path, { bigint: true }).catch(undefinedWhenAbsent);
    return stats?.isFile() === true ? infoOf(key, stats) : undefined;
  }

  async open(key: string): Promise<FileReader | undefined> {
    const path = await this.#path(key);
    const handle = path === undefined ? undefined : await open(path, readFlags).catch(undefinedWhenAbsent);
    if (!handle) return undefined;
    try {
      const stats = await handle.stat({ bigint: true });
      if (stats.isFile()) return new FileReader(infoOf(key, stats), handle);
    } catch (error) {
      await handle.close();
      throw error;
    }
    await handle.close();
    return undefined;
  }

  async #openExisting(key: string): Promise<FileReader> {
    const reader = await this.open(key);
    if (!reader) throw new BlobNotFoundError(`There is no blob ${key}`);
    return reader;
  }

  async stream(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable> {
    if (range && !(range.start >= 0 && range.end >= range.start)) throw new RangeError(`Not a byte range: ${range.start}–${range.end}`);
    const { handle, info } = await this.#openExisting(key);
    const start = range?.start ?? 0;
    const end = Math.min(range?.end ?? info.bytes, info.bytes);
    if (start < end) return handle.createReadStream({ start, end: end - 1, highWaterMark: streamChunkBytes, ...(signal && { signal }) });
    await handle.close();
    return Readable.from([]);
  }

  async read(key: string): Promise<Buffer> {
    const { handle } = await this.#openExisting(key);
    await using _closed = handle;
    return await handle.readFile();
  }

  async *list(
    prefix: string,
    { after = '', signal }: { readonly after?: string; readonly signal?: AbortSignal } = {},
  ): AsyncIterable<BlobInfo> {
    const folder = checkPrefix(prefix).slice(0, prefix.lastIndexOf('/') + 1);
    for await (const key of this.#walk(folder, prefix, after, signal)) {
      const info = await this.stat(key);
      if (info) yield info;
    }
  }

  /** Keys below `folder` (empty, or ending in `/`) in order, one folder in memory per depth. */
  async *#walk(folder: string, prefix: string, after: string, signal: AbortSignal | undefined): AsyncIterable<string> {
    signal?.throwIfAborted();
    const entries = await readdir(join(this.#root, folder), { withFileTypes: true }).catch(undefinedWhenAbsent);
    const paths = (entries ?? [])
      .filter((entry) => isSegment(entry.name) && (entry.isFile() || entry.isDirectory()))
      .map((entry) => folder + entry.name + (entry.isDirectory() ? '/' : ''))
      .filter((path) => path.startsWith(prefix) && (path > after || after.startsWith(path)))
      // Names are ASCII: the default order, by UTF-16 unit, is key order, as folders carry their "/".
      .sort();
    for (const path of paths) {
      if (path.endsWith('/')) yield* this.#walk(path, prefix, after, signal);
      else if (path > after && isKey(path)) yield path;
    }
  }

  async delete(key: string): Promise<void> {
    const path = await this.#path(key);
    if (path === undefined) return;
    const stats = await lstat(path).catch(undefinedWhenAbsent);
    if (stats?.isFile() !== true) return;
    await unlink(path).catch(undefinedWhenAbsent);
    await this.#writer.prune(path);
  }

  async deletePrefix(prefix: string): Promise<number> {
    checkFolder(prefix);
    let count = 0;
    let folder: string | undefined;
    for await (const key of this.#walk(prefix, prefix, '', undefined)) {
      const path = await this.#path(key);
      if (path === undefined) continue;
      await unlink(path).catch(undefinedWhenAbsent);
      count++;
      if (folder !== undefined && folder !== dirname(path)) await this.#writer.prune(join(folder, 'any'));
      folder = dirname(path);
    }
    if (folder !== undefined) await this.#writer.prune(join(folder, 'any'));
    return count;
  }

  async locate(key: string): Promise<string> {
    if (!(await this.stat(key))) throw new BlobNotFoundError(`There is no blob ${key}`);
    return join(this.#root, key);
  }

  ready(): Promise<void> {
    return this.#writer.removeLeftovers(Date.now());
  }

  ping(): Promise<void> {
    return access(this.#root, constants.R_OK | constants.W_OK | constants.X_OK);
  }

  /** Nothing is held open: readers and streams belong to their callers. */
  async close(): Promise<void> {}
}

/** Blobs as files below `folder`, which is made when missing: key → path. Several processes of one machine may share it. */
export const openFileBlobs = (folder: string): Blobs => new FileBlobs(folder);
