import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, problemTypeBase, type Asset, type Video } from '@kinora/contracts';
import { event } from '@kinora/messaging';
import { install, type Installation } from './installation.ts';

interface Line {
  readonly event: string;
  readonly data: { readonly videoId?: string; readonly video?: Video; readonly asset?: Asset };
}

/** Follows a stream; `next` gives its lines one after the other. */
async function follow(kinora: Installation, cookie: string): Promise<{ next(): Promise<Line | undefined>; close(): void }> {
  const leave = new AbortController();
  const response = await kinora.fetch('/api/stream', { headers: { cookie }, signal: leave.signal });
  if (response.status !== 200 || !response.body) throw new Error(`answered ${response.status}`);
  expect(response.headers.get('content-type')).toContain('text/event-stream');
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  const next = async (): Promise<Line | undefined> => {
    for (;;) {
      const end = text.indexOf('\n\n');
      if (end === -1) {
        const { value, done } = await reader.read().catch(() => ({ value: undefined, done: true }));
        if (done) return undefined;
        text += value ?? '';
        continue;
      }
      const [, name, data] = /^event: (\w+)\ndata: (.*)$/.exec(text.slice(0, end)) ?? [];
      text = text.slice(end + 2);
      if (name && data) return { event: name, data: JSON.parse(data) as Line['data'] };
    }
  };
  return { next, close: () => leave.abort() };
}

const asset: Asset = {
  assetId: newId(),
  state: 'processing',
  progress: 0.5,
  stepsDone: [],
  hasPoster: false,
  hasStoryboard: false,
  renditions: [],
};
const at = '2026-11-23T08:00:00.000Z';
const video = (ownerId: string, change: Partial<Video>): Video => ({
  videoId: newId(),
  ownerId,
  ownerName: 'Ann',
  title: 'T',
  description: '',
  tags: [],
  visibility: 'public',
  viewCount: 0,
  createdAt: at,
  updatedAt: at,
  ...change,
});

describe('GET /api/stream', () => {
  let kinora: Installation;
  let ann: { cookie: string; accountId: string };
  let bob: { cookie: string; accountId: string };
  beforeAll(async () => {
    kinora = await install({ env: { GATEWAY_STREAMS_PER_ACCOUNT: '2' } });
    ann = await kinora.signUp('ann@example.org');
    bob = await kinora.signUp('bob@example.org');
  });
  afterAll(() => kinora.stop());

  it('answers 401 to nobody, to a forged cookie and to a forged token', async () => {
    for (const headers of [{}, { cookie: 'kinora.session_token=x' }, { authorization: 'Bearer x' }] as Record<string, string>[]) {
      const response = await kinora.fetch('/api/stream', { headers });
      expect(response.status).toBe(401);
      expect(((await response.json()) as { type: string }).type).toMatch(new RegExp(`^${problemTypeBase}(not-signed-in|invalid-token)$`));
    }
  });

  it('shows the progress of an asset to its owner and to nobody else', async () => {
    const [hers, his] = await Promise.all([follow(kinora, ann.cookie), follow(kinora, bob.cookie)]);
    const videoId = newId();
    await kinora.bus.publish(event('asset.progressed', 'transcoding', { videoId, ownerId: ann.accountId, revision: 1, asset }));
    const removed = newId();
    await kinora.bus.publish(event('video.removed', 'catalog', { videoId: removed, ownerId: ann.accountId }));
    expect(await hers.next()).toEqual({ event: 'asset', data: { videoId, revision: 1, asset } });
    expect(await his.next()).toEqual({ event: 'removed', data: { videoId: removed } });
    hers.close();
    his.close();
  });

  it('shows a published video to everybody, a private one to its owner, and takes away one that is no longer public', async () => {
    const [hers, his] = await Promise.all([follow(kinora, ann.cookie), follow(kinora, bob.cookie)]);
    const hidden = video(ann.accountId, { visibility: 'private' });
    const early = video(ann.accountId, {});
    const shown = video(ann.accountId, { publishedAt: at });
    const taken = { ...shown, visibility: 'unlisted' as const };
    await kinora.bus.publish([
      event('video.changed', 'catalog', { revision: 1, video: hidden }),
      event('video.changed', 'catalog', { revision: 1, video: early }),
      event('video.published', 'catalog', { revision: 2, video: shown }),
      event('video.changed', 'catalog', { revision: 3, video: taken }),
    ]);
    for (const expected of [hidden, early, shown, taken]) expect((await hers.next())?.data.video).toEqual(expected);
    expect((await his.next())?.data.video).toEqual(shown);
    expect(await his.next()).toEqual({ event: 'removed', data: { videoId: shown.videoId } });
    hers.close();
    his.close();
  });

  it('closes the oldest stream of an account for one too many', async () => {
    const streams = [];
    for (let count = 0; count < 3; count += 1) streams.push(await follow(kinora, bob.cookie));
    expect(await streams[0]?.next()).toBeUndefined();
    for (const stream of streams) stream.close();
  });

  it('drops a client that does not read', async () => {
    const slow = await install({ env: { GATEWAY_STREAM_BUFFER_BYTES: '1024' } });
    const { cookie, accountId } = await slow.signUp('eve@example.org');
    const leave = new AbortController();
    const response = await slow.fetch('/api/stream', { headers: { cookie }, signal: leave.signal });
    const large = video(accountId, { description: 'x'.repeat(500_000) });
    let dropped = false;
    for (let count = 0; count < 100 && !dropped; count += 1) {
      await slow.bus.publish(event('video.changed', 'catalog', { revision: count, video: large }));
      const metrics = await (await slow.fetch('/metrics')).text();
      dropped = /gateway_streams_dropped_total [1-9]/.test(metrics);
    }
    expect(dropped).toBe(true);
    leave.abort();
    await response.body?.cancel().catch(() => undefined);
    await slow.stop();
  });

  it('ends its streams at a stop, which they do not hold up', async () => {
    const other = await install();
    const { cookie } = await other.signUp('fay@example.org');
    const stream = await follow(other, cookie);
    const startedAt = Date.now();
    const [line] = await Promise.all([stream.next(), other.stop()]);
    expect(line).toBeUndefined();
    expect(Date.now() - startedAt).toBeLessThan(8_000);
  });
});
