import { randomUUID } from 'node:crypto';
import { link, lstat, mkdir, open, readdir, rename, rm, rmdir, type FileHandle } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { untilAborted } from './body.ts';
import { codeOf, isAbsent } from './file-errors.ts';
import type { BlobBody } from './port.ts';

/** A file under this age may belong to a writer that lives; its modification time moves with each write. */
const leftoverAgeMs = 3_600_000;
const maxFoldersKnown = 10_000;

async function syncFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let offset = 0; offset < bytes.length;) offset += (await handle.write(bytes, offset)).bytesWritten;
}

const isRemoved = (emptyFolder: string): Promise<boolean> =>
  rmdir(emptyFolder).then(
    () => true,
    () => false,
  );

/** The atomic side of the file adapter: files are written in a hidden folder of the same file system, then moved to their place. */
export class FileWriter {
  readonly #root: string;
  readonly #temporary: string;
  /** Folders whose own entry is known to be on disk. */
  readonly #durable = new Set<string>();

  constructor(root: string) {
    this.#root = root;
    this.#temporary = join(root, '.tmp');
  }

  /** Writes `body` and syncs it; the caller moves or discards the path it gets. Nothing is left after an error. */
  async write(body: BlobBody, signal: AbortSignal | undefined): Promise<string> {
    const path = join(this.#temporary, randomUUID());
    await mkdir(this.#temporary, { recursive: true });
    try {
      await using handle = await open(path, 'wx', 0o644);
      if (body instanceof Uint8Array) await writeAll(handle, body);
      else for await (const bytes of signal ? untilAborted(body, signal) : body) await writeAll(handle, bytes);
      signal?.throwIfAborted();
      // The kernel stamps in steps of up to 4 ms and reuses inodes at once: microseconds keep ETags of quick replacements apart.
      const nowSeconds = (Date.now() + Number(process.hrtime.bigint() % 1_000_000n) / 1e6) / 1000;
      await handle.utimes(nowSeconds, nowSeconds);
      await handle.sync();
    } catch (error) {
      await this.discard(path);
      throw error;
    }
    return path;
  }

  /** Gives the file at `temporary` its place at `path`, durably; with `ifAbsent` an EEXIST error when that is taken. */
  async place(temporary: string, path: string, ifAbsent: boolean): Promise<void> {
    const folder = dirname(path);
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#makeFolder(folder);
        await (ifAbsent ? link(temporary, path) : rename(temporary, path));
        break;
      } catch (error) {
        this.#durable.clear();
        const code = codeOf(error);
        // ENOENT: a deletion nearby has removed the folder as empty in between. Else an empty folder of the first level is in the way.
        const again = code === 'ENOENT' || ((code === 'EISDIR' || code === 'EEXIST') && (await isRemoved(path)));
        if (!again || attempt === 5) throw error;
      }
    }
    await syncFolder(folder).catch((error: unknown) => {
      // The new blob and its folder may have been deleted again already.
      if (codeOf(error) !== 'ENOENT') throw error;
    });
  }

  discard(temporary: string): Promise<void> {
    return rm(temporary, { force: true });
  }

  async #makeFolder(folder: string): Promise<void> {
    if (this.#durable.has(folder) || folder === this.#root) return;
    await this.#makeFolder(dirname(folder));
    await mkdir(folder).catch(async (error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
      if (!(await lstat(folder)).isDirectory()) throw Object.assign(new Error(`${folder} is not a folder`), { code: 'ENOTDIR' });
    });
    await syncFolder(dirname(folder));
    if (this.#durable.size >= maxFoldersKnown) this.#durable.clear();
    this.#durable.add(folder);
  }

  /** Removes the folders above `path` that are empty now; those directly in the root stay, as other programs may hold on to them. */
  async prune(path: string): Promise<void> {
    for (let folder = dirname(path); folder !== this.#root && dirname(folder) !== this.#root; folder = dirname(folder)) {
      this.#durable.delete(folder);
      if (!(await isRemoved(folder))) return;
    }
  }

  /** Removes what writers that died left behind, at least an hour before `nowMs`. */
  async removeLeftovers(nowMs: number): Promise<void> {
    await mkdir(this.#temporary, { recursive: true });
    for (const name of await readdir(this.#temporary)) {
      const path = join(this.#temporary, name);
      const stats = await lstat(path).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      });
      if (stats && nowMs - stats.mtimeMs > leftoverAgeMs) await rm(path, { force: true, recursive: true });
    }
  }
}
