import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type EventData, type Video } from '@kinora/contracts';
import { assetOf, startCatalog, type CatalogUnderTest, type Person } from './catalog.ts';

let catalog: CatalogUnderTest;
let ann: Person;
beforeAll(async () => {
  catalog = await startCatalog();
  ann = await catalog.person('creator', 'Ann');
});
afterAll(() => catalog.stop());

const heardOf = (videoId: string): string[] => catalog.heard.filter(({ subject }) => subject === videoId).map(({ type }) => type);
const viewCountOf = async (videoId: string): Promise<number> => (await catalog.get(videoId)).body.viewCount;
const viewed = (videoId: string): EventData<'video.viewed'> => ({ videoId, playbackId: newId(), at: new Date().toISOString() });

describe('the catalog', () => {
  it('tells that a video is published, changed and removed, with growing revisions', async () => {
    const { videoId } = await catalog.createReady(ann);
    await catalog.ask('PATCH', `/api/videos/${videoId}`, ann, { title: 'New title' }, { 'if-match': '*' });
    const { body } = await catalog.get(videoId);
    await catalog.ask('DELETE', `/api/videos/${videoId}`, ann);
    const types = ['video.changed', 'video.published', 'video.removed'];
    await catalog.until(() => Promise.resolve(types.every((type) => heardOf(videoId).includes(type))));
    const about = catalog.heard.filter(({ subject }) => subject === videoId);
    const byType = (type: string): unknown => about.find((envelope) => envelope.type === type)?.data;
    expect(about.map(({ type }) => type).toSorted()).toEqual(types);
    const [published, changed] = [byType('video.published'), byType('video.changed')] as { revision: number; video: Video }[];
    expect(changed?.revision).toBeGreaterThan(published?.revision ?? Infinity);
    expect(changed?.video).toEqual(body);
    expect(byType('video.removed')).toEqual({ videoId, ownerId: ann.identity.accountId, assetId: body.asset?.assetId });
  });

  it('ignores assets of unknown videos and of other owners', async () => {
    const { videoId } = await catalog.create(ann);
    const asset = assetOf();
    await catalog.tell('asset.ready', { videoId: newId(), ownerId: ann.identity.accountId, revision: 1, asset });
    await catalog.tell('asset.ready', { videoId, ownerId: newId(), revision: 9, asset });
    const own = assetOf({ state: 'processing', progress: 0.5 });
    await catalog.tell('asset.progressed', { videoId, ownerId: ann.identity.accountId, revision: 1, asset: own });
    const shown = await catalog.until(async () => (await catalog.get(videoId)).body.asset);
    expect(shown).toEqual(own);
    expect(await catalog.deadLetters()).toBe(0);
  });

  it('counts a playback once, however often its view is told', async () => {
    const { videoId } = await catalog.createReady(ann);
    const first = await catalog.tell('video.viewed', viewed(videoId));
    await catalog.tell('video.viewed', viewed(videoId));
    for (let i = 0; i < 3; i++) await catalog.repeat(first);
    await catalog.tell('video.viewed', viewed(videoId));
    await catalog.until(async () => (await catalog.waiting()) === 0 && (await viewCountOf(videoId)) === 3);
    expect(await viewCountOf(videoId)).toBe(3);
  });

  it('keeps nothing that was counted of a removed video, though views come in after it', async () => {
    const { videoId } = await catalog.createReady(ann);
    await Promise.all(Array.from({ length: 5 }, () => catalog.tell('video.viewed', viewed(videoId))));
    const removing = catalog.ask('DELETE', `/api/videos/${videoId}`, ann);
    await Promise.all(Array.from({ length: 5 }, () => catalog.tell('video.viewed', viewed(videoId))));
    expect((await removing).status).toBe(204);
    await catalog.tell('video.viewed', viewed(videoId));
    await catalog.until(() => Promise.resolve(heardOf(videoId).includes('video.removed')));
    await catalog.until(async () => (await catalog.waiting()) === 0);
    expect(await catalog.countsOf(videoId)).toBe(0);
  });

  it('removes what is left of the counts of a removed video when it hears of the removal once more', async () => {
    const { videoId } = await catalog.createReady(ann);
    await catalog.ask('DELETE', `/api/videos/${videoId}`, ann);
    const removed = await catalog.until(async () =>
      catalog.heard.find(({ subject, type }) => subject === videoId && type === 'video.removed'),
    );
    await catalog.until(async () => (await catalog.waiting()) === 0);
    // Counted by a replica that had read the video before, and that was killed then.
    await catalog.leaveCounts(videoId);
    await catalog.repeat(removed);
    await catalog.until(async () => (await catalog.countsOf(videoId)) === 0);
  });

  it('lists what is viewed most first, by views and as trending', async () => {
    const [a, b, c] = [
      await catalog.createReady(ann, { tags: ['race'] }),
      await catalog.createReady(ann, { tags: ['race'] }),
      await catalog.createReady(ann, { tags: ['race'] }),
    ];
    for (const { videoId } of [b, b, b, a, a]) await catalog.tell('video.viewed', viewed(videoId));
    await catalog.until(async () => (await viewCountOf(b.videoId)) === 3 && (await viewCountOf(a.videoId)) === 2);
    for (const sort of ['views', 'trending']) {
      const order = await catalog.until(async () => {
        const { items } = await catalog.list(`?tag=race&sort=${sort}&limit=10`);
        return items[0]?.viewCount === 3 && items.map(({ videoId }) => videoId);
      });
      expect(order).toEqual([b.videoId, a.videoId, c.videoId]);
    }
  });

  it('removes every video of a deleted account and nobody else’s', async () => {
    const eve = await catalog.person('creator', 'Eve');
    const kept = await catalog.create(ann);
    const gone: string[] = [];
    for (let i = 0; i < 105; i++) gone.push((await catalog.create(eve)).videoId);
    const deleted = await catalog.tell('account.deleted', { accountId: eve.identity.accountId });
    await catalog.until(async () => (await catalog.list('?ownerId=me&limit=1', eve)).items.length === 0);
    await catalog.repeat(deleted);
    await catalog.until(() => Promise.resolve(gone.every((videoId) => heardOf(videoId).includes('video.removed'))));
    expect((await catalog.get(kept.videoId)).status).toBe(200);
  });

  it('reports how long its events wait and how full its queues are', async () => {
    await catalog.until(async () => (await catalog.waiting()) === 0);
    const metrics = await (await fetch(`${catalog.host.url}/metrics`)).text();
    expect(metrics).toMatch(/^outbox_lag_seconds\{service="catalog"\} \d/m);
    expect(metrics).toContain('messaging_queue_messages{queue="catalog.video.viewed",state="waiting"} 0');
    expect(metrics).toContain('messaging_queue_messages{queue="catalog.video.viewed",state="dead"} 0');
  });
});
