import type { Asset } from '@kinora/contracts';

const order = { waiting: 0, processing: 1, watchable: 2, ready: 3, failed: 3 } as const;

/** Which of two reports on a video's asset to believe when their order is not known: another asset replaces the known one, and the same asset only goes forward. */
export function laterAsset(known: Asset | undefined, told: Asset | undefined): Asset | undefined {
  if (known === undefined || told === undefined || known.assetId !== told.assetId) return told ?? known;
  if (order[known.state] !== order[told.state]) return order[told.state] > order[known.state] ? told : known;
  return told.progress >= known.progress ? told : known;
}
