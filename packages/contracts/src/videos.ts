import { Type, type Static } from 'typebox';
import { Asset } from './assets.ts';
import { Id, Instant } from './ids.ts';

export const visibilities = ['public', 'unlisted', 'private'] as const;
export const Visibility = Type.Enum(visibilities);
export type Visibility = Static<typeof Visibility>;

const Title = Type.String({ minLength: 1, maxLength: 200, pattern: '\\S' });
const Description = Type.String({ maxLength: 10_000 });
const Tags = Type.Array(Type.String({ minLength: 1, maxLength: 50, pattern: '^\\S(.*\\S)?$' }), { maxItems: 20, uniqueItems: true });
const Language = Type.String({ pattern: '^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$', maxLength: 35, description: 'BCP 47' });

export const Video = Type.Object({
  videoId: Id,
  ownerId: Id,
  ownerName: Type.String(),
  title: Title,
  description: Type.String(),
  tags: Type.Array(Type.String()),
  visibility: Visibility,
  language: Type.Optional(Language),
  viewCount: Type.Integer({ minimum: 0 }),
  createdAt: Instant,
  updatedAt: Instant,
  /** When it first became public and watchable; absent before. */
  publishedAt: Type.Optional(Instant),
  /** Addresses under `/media` with a playback token, when there is a poster. */
  posterUrl: Type.Optional(Type.String()),
  asset: Type.Optional(Asset),
});
export type Video = Static<typeof Video>;

export const CreateVideo = Type.Object(
  {
    title: Title,
    description: Type.Optional(Description),
    tags: Type.Optional(Tags),
    visibility: Type.Optional(Visibility),
    language: Type.Optional(Language),
  },
  { additionalProperties: false },
);
export type CreateVideo = Static<typeof CreateVideo>;

export const ChangeVideo = Type.Object(
  {
    title: Type.Optional(Title),
    description: Type.Optional(Description),
    tags: Type.Optional(Tags),
    visibility: Type.Optional(Visibility),
    language: Type.Optional(Language),
  },
  { additionalProperties: false, minProperties: 1 },
);
export type ChangeVideo = Static<typeof ChangeVideo>;

export const videoSorts = ['newest', 'views', 'trending'] as const;
export const ListVideos = Type.Object(
  {
    sort: Type.Optional(Type.Enum(videoSorts)),
    tag: Type.Optional(Type.String({ maxLength: 50 })),
    ownerId: Type.Optional(Type.Union([Id, Type.Literal('me')])),
    after: Type.Optional(Type.String({ maxLength: 500, description: 'Cursor: `next` of the page before' })),
    limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 100 })),
  },
  { additionalProperties: false },
);
export type ListVideos = Static<typeof ListVideos>;

export const VideoPage = Type.Object({ items: Type.Array(Video), next: Type.Optional(Type.String()) });
export type VideoPage = Static<typeof VideoPage>;

export const Playback = Type.Object({
  manifestUrl: Type.String(),
  posterUrl: Type.Optional(Type.String()),
  storyboardUrl: Type.Optional(Type.String()),
  sourceUrl: Type.Optional(Type.String()),
  subtitleTracks: Type.Array(Type.Object({ language: Type.String(), kind: Type.String(), label: Type.String(), url: Type.String() })),
  durationSeconds: Type.Number(),
  positionSeconds: Type.Number(),
});
export type Playback = Static<typeof Playback>;
