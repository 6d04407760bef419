import { Type, type Static } from 'typebox';
import { Asset } from './assets.ts';
import { Id } from './ids.ts';
import { Video } from './videos.ts';

/** What GET /api/stream sends, as SSE `event:` and JSON `data:`. `asset` goes to its owner and, once watchable and public, to nobody else; `video` to everybody when public, else to its owner. */
export const streamEvents = {
  asset: Type.Object({ videoId: Id, revision: Type.Integer(), asset: Asset }),
  video: Type.Object({ video: Video }),
  removed: Type.Object({ videoId: Id }),
} as const;
export type StreamEventName = keyof typeof streamEvents;
export type StreamEvent<N extends StreamEventName> = Static<(typeof streamEvents)[N]>;
