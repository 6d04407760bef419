/** Videos as the catalog stores them after upload, processing and some views. */
import { newId, type Asset, type Identity, type Rendition } from '@kinora/contracts';
import { applyAsset, countViews, newVideo, type VideoDocument } from '../services/catalog/src/video.ts';

const owners = Array.from({ length: 500 }, (_, n): Identity => ({ accountId: newId(), name: `Account ${n}`, role: 'creator' }));
const tags = Array.from({ length: 20 }, (_, n) => `subject-${n}`);
const widths = { 240: 426, 360: 640, 480: 854, 720: 1280, 1080: 1920 } as const;
const description = 'What is to be seen here, said in some sentences as people write them below a video. '.repeat(3);
const firstAtMs = Date.parse('2026-01-01T00:00:00Z');

const renditions: Rendition[] = [
  ...Object.entries(widths).map(([height, widthPx]) => {
    const facts = { widthPx, heightPx: Number(height), bitrateBps: widthPx * 2_500, codecs: 'avc1.64001f', complete: true };
    return { renditionId: `v${height}`, kind: 'video' as const, ...facts };
  }),
  { renditionId: 'audio', kind: 'audio', bitrateBps: 128_000, codecs: 'mp4a.40.2', complete: true },
];

const readyAsset = (n: number): Asset => ({
  assetId: newId(),
  state: 'ready',
  progress: 1,
  stepsDone: ['probe', 'remux', 'audio', 'ladder', 'poster', 'storyboard'],
  durationSeconds: 60 + (n % 600),
  widthPx: 1920,
  heightPx: 1080,
  hasPoster: true,
  hasStoryboard: true,
  renditions,
});

/** Video number `n` of an installation, listed, younger by a second than the one before; most have few views. */
export function storedVideo(n: number): VideoDocument {
  const owner = owners[n % owners.length] ?? { accountId: newId(), name: 'Account', role: 'creator' };
  const at = new Date(firstAtMs + n * 1000);
  const tagged = [0, 7, 13].map((step) => tags[(n + step) % tags.length] ?? '');
  const created = newVideo(owner, { title: `A video about something, number ${n}`, description, tags: tagged }, at);
  const told = { videoId: created._id, ownerId: owner.accountId, revision: 9, asset: readyAsset(n) };
  const { video = created } = applyAsset(created, told, at) ?? {};
  const viewCount = Math.floor(1 / (1 - Math.random() * 0.9999)) - 1;
  return { ...countViews(video, { viewCount, trendingScore: video.trendingScore + Math.log2(1 + viewCount) / 10 }), version: 9 };
}
