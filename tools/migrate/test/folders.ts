/** Folders for tests, and both sides of a move in them. */
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { portsOf, type Ports } from '../ports.ts';
import { readPlace, type Place } from '../place.ts';

export interface Folders {
  /** A path in a folder of the test's own. */
  path(...parts: string[]): string;
  /** The data folder `name` as a place, and its ports; closed with the folders. */
  place(name: string): { readonly place: Place; readonly ports: Ports };
  /** Closes every port and removes all. */
  remove(): Promise<void>;
}

const none = { documents: undefined, bus: undefined, blobs: undefined };

export async function makeFolders(): Promise<Folders> {
  const root = await mkdtemp(path.join(os.tmpdir(), 'kinora-migrate-'));
  const open: Ports[] = [];
  return {
    path: (...parts) => path.join(root, ...parts),
    place(name) {
      const place = readPlace('from', { place: path.join(root, name), urls: none }, {});
      const ports = portsOf(place);
      open.push(ports);
      return { place, ports };
    },
    async remove() {
      for (const ports of open) await ports.close();
      await rm(root, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
