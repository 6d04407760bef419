import { describe, expect, it } from '@jest/globals';
import type { Asset } from '@kinora/contracts';
import { laterAsset } from './later-asset.ts';

const asset = (state: Asset['state'], progress: number, assetId = 'a'.repeat(20)): Asset => ({
  assetId,
  state,
  progress,
  stepsDone: [],
  hasPoster: false,
  hasStoryboard: false,
  renditions: [],
});

describe('laterAsset', () => {
  it('ignores a report that arrives late', () => {
    const ready = asset('ready', 1);
    expect(laterAsset(ready, asset('processing', 0.4))).toBe(ready);
  });
  it('takes progress within a state', () => {
    const further = asset('watchable', 0.6);
    expect(laterAsset(asset('watchable', 0.5), further)).toBe(further);
  });
  it('takes another asset whatever its state', () => {
    const other = asset('waiting', 0, 'b'.repeat(20));
    expect(laterAsset(asset('ready', 1), other)).toBe(other);
  });
  it('keeps what is known when a report has no asset', () => {
    const known = asset('ready', 1);
    expect(laterAsset(known, undefined)).toBe(known);
  });
});
