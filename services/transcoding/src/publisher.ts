import type { Blobs } from '@kinora/blobs';
import { assetPrefix, manifestFile, type AssetState } from '@kinora/contracts';
import { event, type Change } from '@kinora/messaging';
import { playableRenditions, snapshotOf, stateOf, targetSecondsOf, type AssetDocument } from './asset.ts';
import { mediaPlaylist, multivariantPlaylist, type PlayableRendition } from './playlists.ts';
import { renditionFile, type Store } from './store.ts';

/** Brings playlists and announced state in line with what the document says is stored. */
export interface Publisher {
  /** Writes what has changed (`rewrite`: everything), then announces it. Idempotent; callers in one process go one after the other per asset. */
  settle(assetId: string, rewrite?: boolean): Promise<void>;
  forget(assetId: string): void;
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

/** Writers in several processes may meet: whoever finds the document changed after writing its playlists writes them all again. */
export function openPublisher(store: Store, blobs: Blobs, now: () => Date): Publisher {
  const written = new Map<string, Map<string, string>>();
  const turns = new Map<string, Promise<void>>();

  const put = async (assetId: string, key: string, text: string, rewrite: boolean): Promise<void> => {
    const known = written.get(assetId) ?? new Map<string, string>();
    written.set(assetId, known);
    if (!rewrite && known.get(key) === text) return;
    await blobs.put(key, Buffer.from(text));
    known.set(key, text);
  };
  const writePlaylists = async (document: AssetDocument, playable: readonly PlayableRendition[], rewrite: boolean): Promise<void> => {
    const { _id: assetId, plan } = document;
    if (!plan || playable.length === 0) return;
    for (const { renditionId, output, isComplete } of playable) {
      await put(
        assetId,
        renditionFile(assetId, renditionId, manifestFile),
        mediaPlaylist(output, targetSecondsOf(plan, renditionId), isComplete),
        rewrite,
      );
    }
    if (playable.some(({ kind }) => kind === 'video'))
      await put(assetId, assetPrefix(assetId) + manifestFile, multivariantPlaylist(playable), rewrite);
  };
  const settleNow = async (assetId: string, rewrite: boolean): Promise<void> => {
    for (let isAgain = rewrite; ; isAgain = true) {
      const document = await store.find(assetId);
      if (!document?.plan) return;
      const playable = playableRenditions(document);
      await writePlaylists(document, playable, isAgain);
      let isStale = false;
      const after = await store.change(assetId, (fresh) => {
        isStale = fresh.version !== document.version;
        return isStale ? undefined : announce(fresh, stateOf(fresh, playable), now());
      });
      if (after?.state === 'ready' || after?.state === 'failed') written.delete(assetId);
      if (!isStale || !after) return;
    }
  };
  return {
    settle(assetId, rewrite = false) {
      const turn = (turns.get(assetId) ?? Promise.resolve()).catch(() => undefined).then(() => settleNow(assetId, rewrite));
      turns.set(assetId, turn);
      return turn.finally(() => turns.get(assetId) === turn && turns.delete(assetId));
    },
    forget: (assetId) => void written.delete(assetId),
  };
}
