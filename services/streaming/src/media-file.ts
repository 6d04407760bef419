import { assetPrefix, isId } from '@kinora/contracts';

const contentTypes = {
  m3u8: 'application/vnd.apple.mpegurl',
  mp4: 'video/mp4',
  m4s: 'video/mp4',
  jpg: 'image/jpeg',
  vtt: 'text/vtt; charset=utf-8',
} as const;

/** What an address below an asset names. */
export interface MediaFile {
  /** Of its blob. */
  readonly key: string;
  readonly contentType: string;
  /** Playlists are rewritten; everything else keeps its bytes for ever. */
  readonly isPlaylist: boolean;
}

const pathPattern = /^(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*\.(m3u8|mp4|m4s|jpg|vtt)$/;
const maxPathLength = 300;

/** The file at `path` (decoded, without a leading slash) of an asset; undefined for whatever cannot be one. */
export function mediaFile(assetId: string, path: string): MediaFile | undefined {
  if (!isId(assetId) || path.length > maxPathLength) return undefined;
  const extension = pathPattern.exec(path)?.[1] as keyof typeof contentTypes | undefined;
  if (extension === undefined) return undefined;
  return { key: assetPrefix(assetId) + path, contentType: contentTypes[extension], isPlaylist: extension === 'm3u8' };
}

const yearSeconds = 31_536_000;

/** For files that never change: cached while the token in their address lives, at most a year; after that the address is worth nothing. */
export const immutableCacheControl = (tokenSecondsLeft: number): string =>
  `public, max-age=${Math.min(yearSeconds, tokenSecondsLeft)}, immutable`;

/** For playlists: asked for again each time while they may grow. A multivariant playlist never says that it is complete. */
export const playlistCacheControl = (text: string): string => (text.includes('#EXT-X-ENDLIST') ? 'public, max-age=10' : 'no-cache');
