import { Type, type Static, type TSchema } from 'typebox';
import { Asset } from './assets.ts';
import { Id, Instant } from './ids.ts';
import { Video } from './videos.ts';

/** An account exists from now on. */
export const AccountCreated = Type.Object({ accountId: Id, name: Type.String() });
/** An account and all that is its own has to go. */
export const AccountDeleted = Type.Object({ accountId: Id });

/** All bytes of a source are stored under `sourceKey`. The asset made from it has the same id as the upload. */
export const UploadCompleted = Type.Object({
  uploadId: Id,
  videoId: Id,
  ownerId: Id,
  sourceKey: Type.String(),
  filename: Type.String(),
  bytes: Type.Integer({ minimum: 0 }),
});

/** What is now true of an asset. `revision` grows with each change: a receiver that has seen a higher one ignores the event. */
export const AssetChanged = Type.Object({ videoId: Id, ownerId: Id, revision: Type.Integer({ minimum: 0 }), asset: Asset });

/** What is now true of a video; `revision` as in `AssetChanged`. */
export const VideoChanged = Type.Object({ revision: Type.Integer({ minimum: 0 }), video: Video });
export const VideoRemoved = Type.Object({ videoId: Id, ownerId: Id, assetId: Type.Optional(Id) });

/** Playback of a video went past the counting threshold. */
export const VideoViewed = Type.Object({ videoId: Id, playbackId: Id, accountId: Type.Optional(Id), at: Instant });

/** One counted unit of encoding work; `jobId` names it within the asset's plan. */
export const AssetTranscode = Type.Object({ assetId: Id, jobId: Type.String({ pattern: '^[a-z0-9-]{1,64}$' }) });

/**
 * Every event (`noun.fact`) and command (`noun.verb`): its schema, who emits it and who receives it.
 * All may arrive twice and in any order; all are handled idempotently. Changes only add; otherwise `.v2`.
 */
export const events = {
  'account.created': { schema: AccountCreated, emitter: 'accounts', receivers: [] },
  'account.deleted': { schema: AccountDeleted, emitter: 'accounts', receivers: ['accounts', 'catalog'] },
  'upload.completed': { schema: UploadCompleted, emitter: 'uploads', receivers: ['transcoding'] },
  /** Jobs that make something watchable: a queue of their own, ahead of the rest. */
  'asset.open': { schema: AssetTranscode, emitter: 'transcoding', receivers: ['transcoding'] },
  'asset.transcode': { schema: AssetTranscode, emitter: 'transcoding', receivers: ['transcoding'] },
  'asset.watchable': { schema: AssetChanged, emitter: 'transcoding', receivers: ['catalog'] },
  'asset.progressed': { schema: AssetChanged, emitter: 'transcoding', receivers: ['catalog'] },
  'asset.ready': { schema: AssetChanged, emitter: 'transcoding', receivers: ['catalog'] },
  'asset.failed': { schema: AssetChanged, emitter: 'transcoding', receivers: ['catalog'] },
  'video.published': { schema: VideoChanged, emitter: 'catalog', receivers: [] },
  'video.changed': { schema: VideoChanged, emitter: 'catalog', receivers: [] },
  'video.removed': { schema: VideoRemoved, emitter: 'catalog', receivers: ['catalog', 'uploads', 'transcoding'] },
  'video.viewed': { schema: VideoViewed, emitter: 'history', receivers: ['catalog'] },
} as const satisfies Record<string, { schema: TSchema; emitter: string; receivers: readonly string[] }>;

export type EventType = keyof typeof events;
export type EventData<T extends EventType> = Static<(typeof events)[T]['schema']>;

/** Type → receivers, as a bus wants it. */
export const topology: Readonly<Record<string, readonly string[]>> = Object.fromEntries(
  Object.entries(events).map(([type, { receivers }]) => [type, receivers]),
);
