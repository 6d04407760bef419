/** Addresses under /media. */
import { manifestFile, posterFile, Problem, storyboardFile, type Asset, type Playback } from '@kinora/contracts';
import { playbackExpiry, signPlaybackToken } from '@kinora/contracts/playback-token';
import { isWatchable } from './video.ts';

const maxTokens = 10_000;

export interface MediaUrls {
  /** Address of the poster, or undefined while there is none. */
  poster(asset: Asset | undefined): string | undefined;
  /** All that a player needs. @throws {Problem} not-watchable, with the asset's state, until there is something to play */
  playback(asset: Asset | undefined): Playback;
}

/** Signs addresses with `secret`; a token is signed once per asset and window. */
export function openMediaUrls(secret: string, now: () => Date): MediaUrls {
  const folders = new Map<string, string>();
  let expiry = 0;
  const folder = (assetId: string): string => {
    const current = playbackExpiry(now().getTime() / 1000);
    if (current !== expiry || folders.size >= maxTokens) folders.clear();
    expiry = current;
    const known = folders.get(assetId);
    if (known !== undefined) return known;
    const made = `/media/${signPlaybackToken(secret, assetId, expiry)}/${assetId}/`;
    folders.set(assetId, made);
    return made;
  };
  const poster = (asset: Asset | undefined): string | undefined => (asset?.hasPoster ? folder(asset.assetId) + posterFile : undefined);
  const playback = (asset: Asset | undefined): Playback => {
    if (!isWatchable(asset)) {
      const { state, etaSeconds, failure }: Partial<Asset> = asset ?? {};
      throw new Problem('not-watchable', {
        state: state ?? 'waiting',
        ...(etaSeconds === undefined ? {} : { etaSeconds }),
        ...(failure === undefined ? {} : { failure }),
      });
    }
    const posterUrl = poster(asset);
    return {
      manifestUrl: folder(asset.assetId) + manifestFile,
      ...(posterUrl === undefined ? {} : { posterUrl }),
      ...(asset.hasStoryboard ? { storyboardUrl: folder(asset.assetId) + storyboardFile } : {}),
      subtitleTracks: [],
      durationSeconds: asset.durationSeconds ?? 0,
      positionSeconds: 0,
    };
  };
  return { poster, playback };
}
