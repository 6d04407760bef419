import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { newId, type Asset, type AssetState, type EventData } from '@kinora/contracts';
import { applyAsset, changeVideo, newVideo, shownAsset, type VideoDocument } from './video.ts';

const now = new Date('2026-11-23T08:00:00.000Z');
const owner = { accountId: newId(), role: 'creator', name: 'Ann' } as const;
const created = (): VideoDocument => newVideo(owner, { title: 'Tea' }, now);
const asset = (assetId: string, state: AssetState, progress = 0): Asset => ({
  ...{ assetId, state, progress, stepsDone: [], hasPoster: false, hasStoryboard: false, renditions: [] },
});
const told = (video: VideoDocument, revision: number, snapshot: Asset, ownerId: string = owner.accountId): EventData<'asset.ready'> => ({
  ...{ videoId: video._id, ownerId, revision, asset: snapshot },
});
const applied = (video: VideoDocument, events: readonly EventData<'asset.ready'>[]): VideoDocument =>
  events.reduce((before, data) => applyAsset(before, data, now)?.video ?? before, video);

describe('applyAsset', () => {
  it('ends with the last revision, whatever the order of events and however often they come', () => {
    const states: readonly AssetState[] = ['processing', 'processing', 'watchable', 'watchable', 'ready'];
    const video = created();
    const assetId = newId();
    const history = states.map((state, revision) => told(video, revision, asset(assetId, state, revision / 4)));
    fc.assert(
      fc.property(fc.shuffledSubarray([...history, ...history], { minLength: 10, maxLength: 10 }), (events) => {
        const { asset: shown, revision } = applied(video, events).assets[0] ?? {};
        expect([revision, shown?.state, shown?.progress]).toEqual([4, 'ready', 1]);
      }),
    );
  });

  it('shows what plays, when one upload failed and another did not, in any order', () => {
    const video = created();
    const [bad, good] = [newId(), newId()];
    const events = [
      ...(['processing', 'failed'] as const).map((state, revision) => told(video, revision, asset(bad, state))),
      ...(['processing', 'watchable', 'ready'] as const).map((state, revision) => told(video, revision, asset(good, state))),
    ];
    fc.assert(
      fc.property(fc.shuffledSubarray(events, { minLength: 5 }), (shuffled) => {
        expect(shownAsset(applied(video, shuffled))).toMatchObject({ assetId: good, state: 'ready' });
      }),
    );
  });

  it('ignores an asset of somebody else', () => {
    const video = created();
    expect(applyAsset(video, told(video, 1, asset(newId(), 'ready'), newId()), now)).toBeUndefined();
  });

  it('publishes once: when the video is first public and watchable', () => {
    const assetId = newId();
    const hidden = changeVideo(created(), { visibility: 'private' }, now).video;
    const watchable = applyAsset(hidden, told(hidden, 1, asset(assetId, 'watchable')), now);
    expect([watchable?.event, watchable?.video.publishedAt, watchable?.video.listed]).toEqual(['video.changed', undefined, undefined]);
    const shown = changeVideo(watchable?.video ?? hidden, { visibility: 'public' }, now);
    expect([shown.event, shown.video.publishedAt, shown.video.listed]).toEqual(['video.published', now.toISOString(), true]);
    const later = new Date(now.getTime() + 1000);
    const hiddenAgain = changeVideo(shown.video, { visibility: 'unlisted' }, later);
    expect([hiddenAgain.event, hiddenAgain.video.publishedAt, hiddenAgain.video.listed]).toEqual([
      'video.changed',
      now.toISOString(),
      undefined,
    ]);
    expect(changeVideo(hiddenAgain.video, { visibility: 'public' }, later).event).toBe('video.changed');
  });

  it('keeps mere progress without telling of it', () => {
    const video = created();
    const assetId = newId();
    const before = applied(video, [told(video, 1, asset(assetId, 'processing', 0.1))]);
    const after = applyAsset(before, told(video, 2, asset(assetId, 'processing', 0.2)), now);
    expect([after?.event, after?.video.assets[0]?.asset.progress]).toEqual([undefined, 0.2]);
  });
});
