import type { Asset } from '@kinora/contracts';
import { formatRemaining, roundRemaining } from '../format/remaining.ts';
import type { Dictionary } from '../i18n/en.ts';

/** What to say of an asset that is being prepared, with the time left as far as it is known; undefined when there is nothing to wait for. */
export function preparingSentence(asset: Asset | undefined, t: Dictionary, language: string): string | undefined {
  const rounded = roundRemaining(asset?.etaSeconds);
  const left = rounded === undefined ? undefined : formatRemaining(rounded, language);
  if (asset?.state === 'watchable') return t.progress.preparing(left);
  if (asset?.state === 'waiting' || asset?.state === 'processing') return t.progress.first(left);
  return undefined;
}
