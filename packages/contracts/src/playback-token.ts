import { createHmac, timingSafeEqual } from 'node:crypto';

/** Public tokens issued in one window are equal, so that a cache shares them. */
const windowSeconds = 6 * 3600;

/** Expiry for a token issued at `nowSeconds`: the end of the next window, so it lives 6 to 12 hours. */
export const playbackExpiry = (nowSeconds: number): number => (Math.floor(nowSeconds / windowSeconds) + 2) * windowSeconds;

const mac = (secret: string, assetId: string, expiry: string): Buffer =>
  createHmac('sha256', secret).update(`playback:${assetId}:${expiry}`).digest().subarray(0, 16);

/** A path-safe token for everything below one asset: `<expiry seconds, base 36>-<HMAC-SHA-256, first 128 bits, base64url>`. */
export function signPlaybackToken(secret: string, assetId: string, expirySeconds: number): string {
  const expiry = expirySeconds.toString(36);
  return `${expiry}-${mac(secret, assetId, expiry).toString('base64url')}`;
}

/** True when `token` was signed for `assetId` with `secret` and has not expired at `nowSeconds`. Takes any string. */
export function verifyPlaybackToken(secret: string, assetId: string, token: string, nowSeconds: number): boolean {
  const parts = /^([0-9a-z]{1,9})-([A-Za-z0-9_-]{22})$/.exec(token);
  if (!parts) return false;
  const [, expiry = '', signature = ''] = parts;
  if (Number.parseInt(expiry, 36) <= nowSeconds) return false;
  const expected = mac(secret, assetId, expiry);
  const given = Buffer.from(signature, 'base64url');
  return given.length === expected.length && timingSafeEqual(given, expected);
}
