import { Type, type Static } from 'typebox';
import { Id } from './ids.ts';

/** What an asset is doing: `waiting` for a source, `processing` with nothing to play yet, `watchable` while more is made, `ready`, or `failed` for good. */
export const assetStates = ['waiting', 'processing', 'watchable', 'ready', 'failed'] as const;
export type AssetState = (typeof assetStates)[number];

/** Why an asset failed; the web app has a sentence for each in every language. */
export const failureReasons = ['not-a-video', 'unreadable', 'unsupported', 'too-long', 'encoding-failed', 'source-missing'] as const;
export type FailureReason = (typeof failureReasons)[number];

/** Steps of processing, in the order in which they usually end. */
export const processingSteps = ['probe', 'remux', 'opening', 'audio', 'ladder', 'poster', 'storyboard'] as const;
export type ProcessingStep = (typeof processingSteps)[number];

export const Rendition = Type.Object({
  renditionId: Type.String({ description: 'Folder of the rendition, e.g. `v720` or `audio`' }),
  kind: Type.Enum(['video', 'audio']),
  widthPx: Type.Optional(Type.Integer()),
  heightPx: Type.Optional(Type.Integer()),
  bitrateBps: Type.Integer(),
  codecs: Type.String({ description: 'RFC 6381, e.g. `avc1.64001f`' }),
  complete: Type.Boolean(),
});
export type Rendition = Static<typeof Rendition>;

/** What everyone but transcoding knows of an asset. Every asset event carries it whole. */
export const Asset = Type.Object({
  assetId: Id,
  state: Type.Enum(assetStates),
  progress: Type.Number({ minimum: 0, maximum: 1 }),
  etaSeconds: Type.Optional(Type.Number({ minimum: 0 })),
  failure: Type.Optional(Type.Object({ reason: Type.Enum(failureReasons) })),
  stepsDone: Type.Array(Type.Enum(processingSteps)),
  durationSeconds: Type.Optional(Type.Number({ minimum: 0 })),
  widthPx: Type.Optional(Type.Integer({ description: 'Displayed size of the source, rotation applied' })),
  heightPx: Type.Optional(Type.Integer()),
  hasPoster: Type.Boolean(),
  hasStoryboard: Type.Boolean(),
  renditions: Type.Array(Rendition),
});
export type Asset = Static<typeof Asset>;

/** Blob keys that cross a service border. */
export const sourceKey = (uploadId: string): string => `uploads/${uploadId}`;
export const assetPrefix = (assetId: string): string => `assets/${assetId}/`;
export const manifestFile = 'main.m3u8';
export const posterFile = 'poster.jpg';
export const storyboardFile = 'storyboard.vtt';
