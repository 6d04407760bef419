import { constants } from 'node:fs';
import { open, readdir, type FileHandle } from 'node:fs/promises';
import { extname, join } from 'node:path';
import type { BlobReader } from '@kinora/blobs';
import type { Representation } from './answer.ts';

const contentTypes: Readonly<Record<string, string>> = {
  '.mp4': 'video/mp4',
  '.m4v': 'video/mp4',
  '.mov': 'video/quicktime',
  '.webm': 'video/webm',
  '.ogv': 'video/ogg',
};

/** NOFOLLOW: a symbolic link may lead out of the folder. NONBLOCK: opening a pipe that lies here does not hang. */
const readFlags = constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** A video of a folder, open; whoever opened it closes the reader. */
export interface FolderVideo {
  readonly representation: Representation;
  readonly reader: Pick<BlobReader, 'read' | 'close'>;
}

/** A plain folder of videos. Only regular files directly in it exist, with an ending that browsers play and no dot in front. */
export interface Folder {
  /** Names in order. @throws {Error} when the folder cannot be read */
  list(): Promise<string[]>;
  /** Undefined when there is no such video. */
  open(name: string): Promise<FolderVideo | undefined>;
}

/** Content type of what may be a video's name; undefined for anything else, separators and what is hidden included. */
export function videoType(name: string): string | undefined {
  if (name.startsWith('.') || name.length > 255 || /[/\\\p{Cc}]/u.test(name)) return undefined;
  return contentTypes[extname(name).toLowerCase()];
}

async function readInto(handle: FileHandle, target: Uint8Array, position: number): Promise<number> {
  let filled = 0;
  while (filled < target.length) {
    const { bytesRead } = await handle.read(target, filled, target.length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return filled;
}

const isAbsent = (error: unknown): boolean => ['ENOENT', 'ELOOP', 'ENXIO', 'EACCES'].includes((error as NodeJS.ErrnoException).code ?? '');

/** The videos in the folder at `path`, as they lie there at the moment of asking. */
export function openFolder(path: string): Folder {
  return {
    async list() {
      const entries = await readdir(path, { withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile() && videoType(entry.name))
        .map(({ name }) => name)
        .sort((a, b) => a.localeCompare(b));
    },
    async open(name) {
      const contentType = videoType(name);
      if (contentType === undefined) return undefined;
      const handle = await open(join(path, name), readFlags).catch((error: unknown) => {
        if (!isAbsent(error)) throw error;
      });
      if (!handle) return undefined;
      const stats = await handle.stat({ bigint: true });
      if (!stats.isFile()) return void (await handle.close());
      const modifiedAtSeconds = Number(stats.mtimeMs / 1000n);
      const etag = `"${stats.ino.toString(36)}-${stats.mtimeNs.toString(36)}-${stats.size.toString(36)}"`;
      const lastModified = new Date(modifiedAtSeconds * 1000).toUTCString();
      return {
        representation: { bytes: Number(stats.size), etag, modifiedAtSeconds, lastModified, contentType, cacheControl: 'no-cache' },
        reader: { read: (target, position) => readInto(handle, target, position), close: () => handle.close() },
      };
    },
  };
}
