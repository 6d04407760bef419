import { fileURLToPath } from 'node:url';
import { openFileBlobs } from './file.ts';
import type { Blobs } from './port.ts';

/**
 * The blob store at `url`: `file:<folder>`, relative to the working folder, absolute, or as a whole `file:///` URL. The folder is made when missing.
 * @throws {Error} for another scheme, or a folder that cannot be made
 */
export function openBlobs(url: string): Blobs {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  if (scheme !== 'file') throw new Error(`BLOBS_URL has the scheme "${scheme ?? ''}"; known: file:<folder>`);
  const folder = url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
  if (folder === '') throw new Error('BLOBS_URL names no folder; write file:<folder>');
  return openFileBlobs(folder);
}
