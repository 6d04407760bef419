import { readdir, readlink } from 'node:fs/promises';
import type { MediaServer } from './media-server.ts';
import { mediaSuite } from './media-suite.ts';

async function openReads({ folder }: MediaServer): Promise<number> {
  const links = await Promise.all((await readdir('/proc/self/fd')).map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')));
  return links.filter((link) => link.startsWith(`${folder}/blobs/assets`)).length;
}

mediaSuite('a folder', { openReads });
