import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, slugOf, type Playback } from '@kinora/contracts';
import { verifyPlaybackToken } from '@kinora/contracts/playback-token';
import { assetOf, playbackSecret, startCatalog, type Answer, type CatalogUnderTest, type Person } from './catalog.ts';

let catalog: CatalogUnderTest;
let ann: Person;
let bob: Person;
let admin: Person;
beforeAll(async () => {
  catalog = await startCatalog();
  ann = await catalog.person('creator', 'Ann');
  bob = await catalog.person('creator', 'Bob');
  admin = await catalog.person('admin', 'Root');
});
afterAll(() => catalog.stop());

const seen = (answer: Answer): unknown => [answer.status, slugOf(answer.body)];

describe('POST /api/videos', () => {
  it('creates a public video that belongs to the caller and bears their name', async () => {
    const made = await catalog.ask('POST', '/api/videos', ann, { title: '  Tea  ', tags: ['tea'], language: 'ko' });
    expect(made.status).toBe(201);
    expect(made.headers.get('location')).toBe(`/api/videos/${String(made.body['videoId'])}`);
    expect(made.headers.get('etag')).toMatch(/^"\w+"$/);
    expect(made.body).toMatchObject({
      title: 'Tea',
      ownerName: 'Ann',
      ownerId: ann.identity.accountId,
      visibility: 'public',
      viewCount: 0,
      tags: ['tea'],
      language: 'ko',
    });
    expect(made.body).not.toHaveProperty('asset');
    expect(made.body).not.toHaveProperty('_id');
  });

  it.each([
    ['no title', {}],
    ['an empty title', { title: '' }],
    ['a blank title', { title: '   ' }],
    ['a title that is too long', { title: 'a'.repeat(201) }],
    ['a title that is no text', { title: 7 }],
    ['an unknown field', { title: 'a', ownerId: newId() }],
    ['an unknown visibility', { title: 'a', visibility: 'secret' }],
    ['the same tag twice', { title: 'a', tags: ['x', 'x'] }],
    ['too many tags', { title: 'a', tags: Array.from({ length: 21 }, (_, i) => `tag ${i}`) }],
    ['a language that is none', { title: 'a', language: '../x' }],
  ])('refuses %s', async (_what, body) => {
    expect(seen(await catalog.ask('POST', '/api/videos', ann, body))).toEqual([400, 'invalid-request']);
  });

  it('refuses JSON that is broken', async () => {
    expect(seen(await catalog.ask('POST', '/api/videos', ann, '{"title":'))).toEqual([400, 'invalid-json']);
  });

  it('lets creators and admins publish, viewers and strangers not', async () => {
    const viewer = await catalog.person('viewer');
    expect(seen(await catalog.ask('POST', '/api/videos', viewer, { title: 'a' }))).toEqual([403, 'forbidden']);
    expect(seen(await catalog.ask('POST', '/api/videos', undefined, { title: 'a' }))).toEqual([401, 'not-signed-in']);
    expect((await catalog.ask('POST', '/api/videos', admin, { title: 'a' })).status).toBe(201);
  });
});

describe('GET /api/videos/:videoId', () => {
  it('shows a private video to its owner and to admins, and to nobody else that it exists', async () => {
    const { videoId } = await catalog.create(ann, { visibility: 'private' });
    const statuses = await Promise.all([ann, admin, bob, undefined].map(async (as) => (await catalog.get(videoId, as)).status));
    expect(statuses).toEqual([200, 200, 404, 404]);
    for (const method of ['PATCH', 'DELETE'])
      expect(seen(await catalog.ask(method, `/api/videos/${videoId}`, bob, { title: 'mine' }, { 'if-match': '*' }))).toEqual([
        404,
        'not-found',
      ]);
  });

  it('shows an unlisted video to whoever has its address', async () => {
    const { videoId } = await catalog.create(ann, { visibility: 'unlisted' });
    expect((await catalog.get(videoId)).status).toBe(200);
  });

  it.each([newId(), 'x', '..%2f..%2fetc', '%00', 'A'.repeat(20), 'a'.repeat(400)])('answers 404 for the id %s', async (id) => {
    expect(seen(await catalog.ask('GET', `/api/videos/${id}`))).toEqual([404, 'not-found']);
  });
});

describe('PATCH /api/videos/:videoId', () => {
  it('changes what is named and nothing else, for whoever has seen the present edition', async () => {
    const { videoId } = await catalog.create(ann, { title: 'Tea', description: 'green' });
    const path = `/api/videos/${videoId}`;
    const etag = (await catalog.get(videoId)).headers.get('etag') ?? '';
    expect(seen(await catalog.ask('PATCH', path, ann, { title: 'Coffee' }))).toEqual([428, 'precondition-required']);
    const changed = await catalog.ask('PATCH', path, ann, { title: 'Coffee' }, { 'if-match': `"other", ${etag}` });
    expect(changed.body).toMatchObject({ title: 'Coffee', description: 'green' });
    expect(changed.headers.get('etag')).not.toBe(etag);
    for (const stale of [etag, `W/${changed.headers.get('etag') ?? ''}`, 'nonsense'])
      expect(seen(await catalog.ask('PATCH', path, ann, { title: 'Milk' }, { 'if-match': stale }))).toEqual([412, 'precondition-failed']);
    expect((await catalog.ask('PATCH', path, admin, { title: 'Milk' }, { 'if-match': '*' })).status).toBe(200);
  });

  it('lets one of two at once win', async () => {
    const { videoId } = await catalog.create(ann);
    const etag = (await catalog.get(videoId)).headers.get('etag') ?? '';
    const statuses = await Promise.all(
      ['a', 'b', 'c'].map(
        async (title) => (await catalog.ask('PATCH', `/api/videos/${videoId}`, ann, { title }, { 'if-match': etag })).status,
      ),
    );
    expect(statuses.toSorted()).toEqual([200, 412, 412]);
  });

  it('keeps its ETag while the asset is processed, so that a description can be written meanwhile', async () => {
    const { videoId } = await catalog.create(ann);
    const etag = (await catalog.get(videoId)).headers.get('etag') ?? '';
    const video = await catalog.createReady(ann);
    expect((await catalog.get(video.videoId)).headers.get('etag')).toBe(etag);
  });

  it('is for the owner', async () => {
    const { videoId } = await catalog.create(ann);
    expect(seen(await catalog.ask('PATCH', `/api/videos/${videoId}`, bob, { title: 'x' }, { 'if-match': '*' }))).toEqual([
      403,
      'forbidden',
    ]);
    expect(seen(await catalog.ask('PATCH', `/api/videos/${videoId}`, undefined, { title: 'x' }, { 'if-match': '*' }))).toEqual([
      401,
      'not-signed-in',
    ]);
    expect(seen(await catalog.ask('PATCH', `/api/videos/${videoId}`, ann, {}, { 'if-match': '*' }))).toEqual([400, 'invalid-request']);
  });
});

describe('DELETE /api/videos/:videoId', () => {
  it('removes the video for its owner, and refuses others', async () => {
    const { videoId } = await catalog.create(ann);
    expect(seen(await catalog.ask('DELETE', `/api/videos/${videoId}`, bob))).toEqual([403, 'forbidden']);
    expect((await catalog.ask('DELETE', `/api/videos/${videoId}`, ann)).status).toBe(204);
    expect((await catalog.get(videoId, ann)).status).toBe(404);
    expect((await catalog.ask('DELETE', `/api/videos/${videoId}`, ann)).status).toBe(404);
  });
});

describe('GET /api/videos/:videoId/playback', () => {
  it('gives addresses whose token streaming accepts', async () => {
    const { videoId, asset } = await catalog.createReady(ann);
    const { body } = await catalog.ask<Playback>('GET', `/api/videos/${videoId}/playback`);
    const [, , token = '', assetId = '', file] = body.manifestUrl.split('/');
    expect([assetId, file]).toEqual([asset?.assetId, 'main.m3u8']);
    expect(verifyPlaybackToken(playbackSecret, assetId, token, Date.now() / 1000)).toBe(true);
    expect(body).toMatchObject({
      posterUrl: `/media/${token}/${assetId}/poster.jpg`,
      durationSeconds: 12.5,
      positionSeconds: 0,
      subtitleTracks: [],
    });
    expect(body).not.toHaveProperty('storyboardUrl');
  });

  it('answers 409 with the state of the asset until there is something to play', async () => {
    const { videoId } = await catalog.create(ann);
    const path = `/api/videos/${videoId}/playback`;
    const waiting = await catalog.ask('GET', path);
    expect([...(seen(waiting) as unknown[]), waiting.body['state']]).toEqual([409, 'not-watchable', 'waiting']);
    await catalog.tell('asset.failed', {
      ...{ videoId, ownerId: ann.identity.accountId, revision: 2 },
      asset: assetOf({ state: 'failed', failure: { reason: 'not-a-video' } }),
    });
    const failed = await catalog.until(async () => {
      const answer = await catalog.ask('GET', path);
      return answer.body['state'] === 'failed' && answer;
    });
    expect(failed.body['failure']).toEqual({ reason: 'not-a-video' });
  });

  it('is as private as the video', async () => {
    const { videoId } = await catalog.createReady(ann, { visibility: 'private' });
    expect((await catalog.ask('GET', `/api/videos/${videoId}/playback`, bob)).status).toBe(404);
    expect((await catalog.ask('GET', `/api/videos/${videoId}/playback`, ann)).status).toBe(200);
  });
});
