/** A look into the stores of a stopped installation: nothing waits, nothing is left over, copies agree with their originals. */
import { openBlobs, type Blobs } from '@kinora/blobs';
import { assetPrefix, sourceKey, topology, type Video } from '@kinora/contracts';
import { openDocuments, type Identified } from '@kinora/documents';
import { openBus } from '@kinora/messaging';
import type { PortUrls } from '../ports.ts';
import { Finding } from './attempt.ts';

interface Stored extends Identified {
  readonly outbox?: readonly unknown[];
  readonly removedAt?: string;
  readonly videoId?: string;
  readonly state?: string;
}

export interface Remains {
  readonly videos: readonly Video[];
  /** Ids of videos that are gone, with their uploads and assets. */
  readonly removed: ReadonlySet<string>;
  /** Ids of all uploads that clients were told of. */
  readonly knownUploads: ReadonlySet<string>;
}

/** Every collection whose documents hold unpublished events. */
const outboxes = [
  ['accounts', 'accounts'],
  ['catalog', 'videos'],
  ['catalog', 'views'],
  ['transcoding', 'assets'],
  ['uploads', 'uploads'],
] as const;

async function scan(urls: PortUrls, database: string, collection: string, see: (document: Stored) => void): Promise<void> {
  const documents = openDocuments(urls.DOCUMENTS_URL, database);
  try {
    for await (const document of documents.collection<Stored>(collection, { indexes: 'as they are' }).scan({})) see(document);
  } finally {
    await documents.close();
  }
}

async function auditBus({ BUS_URL }: PortUrls): Promise<void> {
  const bus = openBus(BUS_URL, { topology });
  try {
    await bus.ready();
    const stuck = (await bus.depths()).filter(({ waiting, underWay, dead }) => waiting + underWay + dead > 0);
    if (stuck.length > 0) throw new Finding(`messages are left: ${JSON.stringify(stuck)}`);
  } finally {
    await bus.close();
  }
}

/** Keys that the asset of a video has, as its playlists name them. */
async function keysOf(blobs: Blobs, { asset }: Video): Promise<string[]> {
  if (!asset) return [];
  const prefix = assetPrefix(asset.assetId);
  const keys = [`${prefix}main.m3u8`, `${prefix}poster.jpg`, `${prefix}storyboard.vtt`];
  for (const { renditionId } of asset.renditions) {
    const playlist = `${prefix}${renditionId}/main.m3u8`;
    keys.push(playlist, `${prefix}${renditionId}/init.mp4`);
    for (const [segment] of (await blobs.read(playlist)).toString().matchAll(/^\S+\.m4s$/gm))
      keys.push(`${prefix}${renditionId}/${segment}`);
  }
  const vtt = (await blobs.read(`${prefix}storyboard.vtt`)).toString();
  return [...keys, ...new Set([...vtt.matchAll(/^storyboard-\d+\.jpg/gm)].map(([sheet]) => prefix + sheet))];
}

async function auditBlobs(urls: PortUrls, { videos, knownUploads }: Remains, uploadIds: ReadonlySet<string>): Promise<number> {
  const blobs = openBlobs(urls.BLOBS_URL);
  try {
    const expected = new Set((await Promise.all(videos.map((video) => keysOf(blobs, video)))).flat());
    const foreign: string[] = [];
    for await (const { key } of blobs.list('assets/')) if (!expected.delete(key)) foreign.push(key);
    if (expected.size > 0) throw new Finding(`missing: ${[...expected].join(', ')}`);
    const sources = new Set<string>();
    for await (const { key } of blobs.growing.remains(sourceKey(''), Date.now() + 60_000)) sources.add(key);
    for (const uploadId of uploadIds) sources.delete(sourceKey(uploadId));
    const lost = [...knownUploads].map(sourceKey).filter((key) => sources.delete(key));
    const leftOver = [...foreign, ...lost];
    if (leftOver.length > 0) throw new Finding(`belongs to nothing: ${leftOver.join(', ')}`);
    return sources.size;
  } finally {
    await blobs.close();
  }
}

/**
 * Looks through everything. How many uploads were begun by a process that was killed before it could tell: the service removes them, after an
 * hour when they have no record, else when they expire.
 * @throws {Finding}
 */
export async function audit(urls: PortUrls, remains: Remains): Promise<number> {
  const { removed, knownUploads } = remains;
  await auditBus(urls);
  const faults: string[] = [];
  const uploadIds = new Set<string>();
  let unknown = 0;
  for (const [database, collection] of outboxes)
    await scan(urls, database, collection, ({ _id, outbox, removedAt, videoId = _id, state }) => {
      if (outbox?.length) faults.push(`${collection} ${_id} has unpublished events`);
      if (removedAt !== undefined) faults.push(`${collection} ${_id} is marked as removed, and still there`);
      // Begun by a process that was killed before it could tell, or ask once more whether the video is still there: it expires.
      const isUnknown = collection === 'uploads' && state === 'open' && !knownUploads.has(_id);
      if (isUnknown) unknown += 1;
      else if (removed.has(videoId)) faults.push(`${collection} ${_id} is of the removed video ${videoId}`);
      if (collection === 'uploads') uploadIds.add(_id);
    });
  if (faults.length > 0) throw new Finding(faults.join('\n'));
  return unknown + (await auditBlobs(urls, remains, uploadIds));
}
