import { describe, expect, it } from '@jest/globals';
import type { Asset } from '@kinora/contracts';
import { en } from '../i18n/en.ts';
import { preparingSentence } from './preparing.ts';

const asset = (state: Asset['state'], etaSeconds?: number): Asset => ({
  assetId: 'a'.repeat(20),
  state,
  progress: 0.5,
  ...(etaSeconds === undefined ? {} : { etaSeconds }),
  stepsDone: [],
  hasPoster: false,
  hasStoryboard: false,
  renditions: [],
});

describe('preparingSentence', () => {
  it('names the time left in rounded words', () => {
    expect(preparingSentence(asset('watchable', 100), en, 'en')).toBe(
      'Preparing qualities, about 2 min left. You can already watch and share it.',
    );
  });
  it('names no time when none is known', () => {
    expect(preparingSentence(asset('watchable'), en, 'en')).toBe('Preparing qualities. You can already watch and share it.');
  });
  it('does not promise a video that cannot be watched yet', () => {
    expect(preparingSentence(asset('processing', 4), en, 'en')).toBe(
      'Preparing the video, about 10 sec left. It starts here as soon as it can be watched.',
    );
  });
  it('says nothing when all is done or lost', () => {
    for (const state of ['ready', 'failed'] as const) expect(preparingSentence(asset(state), en, 'en')).toBeUndefined();
    expect(preparingSentence(undefined, en, 'en')).toBeUndefined();
  });
});
