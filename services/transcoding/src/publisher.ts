import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { Blobs } from '@kinora/blobs';
import { assetPrefix, manifestFile, newId, type AssetState } from '@kinora/contracts';
import { event, type Change } from '@kinora/messaging';
import { playableRenditions, snapshotOf, stateOf, targetSecondsOf, type AssetDocument } from './asset.ts';
import { mediaPlaylist, multivariantPlaylist } from './playlists.ts';
import { renditionFile, type Store } from './store.ts';

/** Brings playlists and announced state in line with what the document says is stored. */
export interface Publisher {
  /** Writes what has changed (`rewrite`: everything), then announces it. Idempotent. */
  settle(assetId: string, rewrite?: boolean): Promise<void>;
}

/** Progress is announced no more often than this. */
const quietMs = 1_000;
const announcements = {
  watchable: 'asset.watchable',
  ready: 'asset.ready',
  failed: 'asset.failed',
  processing: 'asset.progressed',
  waiting: 'asset.progressed',
} as const;

/** The change that tells everyone what `document` has come to, or undefined when there is nothing new to tell. */
export function announce(document: AssetDocument, state: AssetState, now: Date): Change | undefined {
  const isNew = state !== document.state;
  const isOver = document.state === 'ready' || document.state === 'failed';
  if (!isNew && (isOver || now.getTime() - Date.parse(document.progressedAt) < quietMs)) return undefined;
  const revision = document.revision + 1;
  const failure = state === 'failed' ? { failure: document.failure ?? ('encoding-failed' as const) } : {};
  const { videoId, ownerId } = document;
  const asset = snapshotOf({ ...document, state, ...failure }, now);
  const type = isNew ? announcements[state] : 'asset.progressed';
  return {
    update: { $set: { state, revision, progressedAt: now.toISOString(), ...failure } },
    events: [event(type, 'transcoding', { videoId, ownerId, revision, asset }, { subject: document._id, now })],
  };
}

/** A writer that keeps the pen for this long is taken to be dead. It gives up when half of that has passed. */
const defaultSilentMs = 8_000;
const askAgainMs = 50;

/** One file to be written. */
interface Playlist {
  readonly key: string;
  readonly text: string;
  /** What the document keeps of it: where it lies below the asset, and the digest of its text. */
  readonly name: string;
  readonly digest: string;
}

function playlistsOf(document: AssetDocument): Playlist[] {
  const { _id: assetId, plan } = document;
  if (!plan) return [];
  const playlist = (name: string, key: string, text: string): Playlist => ({
    ...{ name, key, text },
    digest: createHash('sha1').update(text).digest('base64url'),
  });
  const playable = playableRenditions(document);
  const media = playable.map(({ renditionId, output, isComplete }) =>
    playlist(
      renditionId,
      renditionFile(assetId, renditionId, manifestFile),
      mediaPlaylist(output, targetSecondsOf(plan, renditionId), isComplete),
    ),
  );
  if (!playable.some(({ kind }) => kind === 'video')) return media;
  return [...media, playlist('main', assetPrefix(assetId) + manifestFile, multivariantPlaylist(playable))];
}

/**
 * Waits for the right to write the playlists of an asset, which one writer has at a time: one that writes what it has read earlier would make
 * them shrink. Clocks are not compared: a pen is taken away when it has been seen to stay the same for `silentMs`.
 * The asset as it is from then on, or undefined when it is gone.
 */
async function takePen(store: Store, assetId: string, pen: string, silentMs: number): Promise<AssetDocument | undefined> {
  let seen: string | undefined;
  for (let seenAtMs = 0; ; await delay(askAgainMs)) {
    const isSilent = seen !== undefined && performance.now() - seenAtMs >= silentMs;
    const document = await store.takePen(assetId, pen, isSilent ? seen : undefined);
    if (document) return document;
    const other = await store.find(assetId);
    if (!other) return undefined;
    if (other.pen !== seen) [seen, seenAtMs] = [other.pen, performance.now()];
  }
}

/** Brings playlists in line with documents; writers in any number of processes take turns. */
export function openPublisher(store: Store, blobs: Blobs, now: () => Date, silentMs = defaultSilentMs): Publisher {
  const turns = new Map<string, Promise<void>>();
  const isNew = ({ written }: AssetDocument, { name, digest }: Playlist): boolean => written?.[name] !== digest;

  /** Writes the playlists and gives the document that they say; undefined when the asset is gone. What does not get done in time is left to the next writer. */
  const write = async (assetId: string, rewrite: boolean): Promise<AssetDocument | undefined> => {
    const pen = newId();
    const document = await takePen(store, assetId, pen, silentMs);
    if (!document) return undefined;
    const signal = AbortSignal.timeout(silentMs / 2);
    const written = { ...document.written };
    try {
      for (const playlist of playlistsOf(document).filter((each) => rewrite || isNew(document, each))) {
        await blobs.put(playlist.key, Buffer.from(playlist.text), { signal });
        written[playlist.name] = playlist.digest;
      }
      return document;
    } finally {
      await store.putPenDown(assetId, pen, written);
    }
  };
  const settleNow = async (assetId: string, rewrite: boolean): Promise<void> => {
    for (let isStale = true; isStale;) {
      const found = await store.find(assetId);
      if (!found?.plan) return;
      const document = rewrite || playlistsOf(found).some((playlist) => isNew(found, playlist)) ? await write(assetId, rewrite) : found;
      isStale = false;
      const after = await store.change(assetId, (fresh) => {
        isStale = fresh.version !== document?.version;
        return isStale ? undefined : announce(fresh, stateOf(fresh, playableRenditions(fresh)), now());
      });
      // Gone while its playlists were written.
      if (!after) return void (await blobs.deletePrefix(assetPrefix(assetId)));
    }
  };
  return {
    settle(assetId, rewrite = false) {
      const turn = (turns.get(assetId) ?? Promise.resolve()).catch(() => undefined).then(() => settleNow(assetId, rewrite));
      turns.set(assetId, turn);
      return turn.finally(() => turns.get(assetId) === turn && turns.delete(assetId));
    },
  };
}
