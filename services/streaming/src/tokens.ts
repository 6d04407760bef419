import { LRUCache } from 'lru-cache';
import { Problem } from '@kinora/contracts';
import { verifyPlaybackToken } from '@kinora/contracts/playback-token';

/** Gives how long a playback token still lives, in whole seconds ≥ 1. @throws {Problem} invalid-playback-token */
export type CheckToken = (token: string, assetId: string, nowSeconds: number) => number;

interface Verified {
  readonly assetId: string;
  readonly expirySeconds: number;
}

/** Checks tokens against `secret`; the signature of a token in use is computed once. */
export function tokenChecker(secret: string): CheckToken {
  const verified = new LRUCache<string, Verified>({ max: 2_000 });
  const verify = (token: string, assetId: string, nowSeconds: number): Verified => {
    if (!verifyPlaybackToken(secret, assetId, token, nowSeconds))
      throw new Problem('invalid-playback-token', { detail: 'Load the video again to get a new address.' });
    const found = { assetId, expirySeconds: Number.parseInt(token, 36) };
    verified.set(token, found);
    return found;
  };
  return (token, assetId, nowSeconds) => {
    const known = verified.get(token);
    const { expirySeconds } = known?.assetId === assetId && known.expirySeconds > nowSeconds ? known : verify(token, assetId, nowSeconds);
    return Math.max(1, Math.floor(expirySeconds - nowSeconds));
  };
}
