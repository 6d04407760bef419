import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId } from './ids.ts';
import { playbackExpiry, signPlaybackToken, verifyPlaybackToken } from './playback-token.ts';

const secret = 'a secret of enough characters';
const nowSeconds = 1_800_000_000;

describe('playback tokens', () => {
  it('are accepted for their asset until they expire, and not a second longer', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 32 }), (expiry) => {
        const assetId = newId();
        const token = signPlaybackToken(secret, assetId, expiry);
        expect(token).toMatch(/^[0-9a-z]+-[A-Za-z0-9_-]{22}$/);
        expect(verifyPlaybackToken(secret, assetId, token, expiry - 1)).toBe(true);
        expect(verifyPlaybackToken(secret, assetId, token, expiry)).toBe(false);
      }),
    );
  });

  it('are refused for another asset, another secret, and when any character is changed', () => {
    const assetId = newId();
    const token = signPlaybackToken(secret, assetId, nowSeconds + 60);
    expect(verifyPlaybackToken(secret, newId(), token, nowSeconds)).toBe(false);
    expect(verifyPlaybackToken(`${secret}!`, assetId, token, nowSeconds)).toBe(false);
    fc.assert(
      fc.property(fc.nat(token.length - 2), fc.constantFrom(...'abcXYZ019-_'), (index, character) => {
        const forged = token.slice(0, index) + character + token.slice(index + 1);
        expect(verifyPlaybackToken(secret, assetId, forged, nowSeconds)).toBe(forged === token);
      }),
    );
  });

  it('takes any text without throwing', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => expect(verifyPlaybackToken(secret, 'a', text, nowSeconds)).toBe(false)));
  });

  it('gives everybody the same expiry within a window, 6 to 12 hours ahead', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 32 }), (now) => {
        const lifeHours = (playbackExpiry(now) - now) / 3600;
        expect(lifeHours).toBeGreaterThan(6);
        expect(lifeHours).toBeLessThanOrEqual(12);
      }),
    );
  });
});
