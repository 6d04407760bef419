import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, slugOf, type Video, type VideoPage } from '@kinora/contracts';
import { startCatalog, type CatalogUnderTest, type Person } from './catalog.ts';

let catalog: CatalogUnderTest;
let ann: Person;
let bob: Person;
const made: Video[] = [];
beforeAll(async () => {
  catalog = await startCatalog();
  ann = await catalog.person('creator', 'Ann');
  bob = await catalog.person('creator', 'Bob');
  for (let i = 0; i < 11; i++)
    made.push(await catalog.createReady(ann, { title: `film ${i}`, tags: i % 2 === 0 ? ['even', 'film'] : ['film'] }));
  await catalog.createReady(ann, { title: 'hidden', visibility: 'private', tags: ['film'] });
  await catalog.createReady(ann, { title: 'unlisted', visibility: 'unlisted', tags: ['film'] });
  await catalog.create(ann, { title: 'unfinished', tags: ['film'] });
});
afterAll(() => catalog.stop());

const titles = (page: VideoPage): string[] => page.items.map(({ title }) => title);

async function allPages(query: string, as?: Person): Promise<string[]> {
  const found: string[] = [];
  let after = '';
  do {
    const page = await catalog.list(`?limit=3&${query}${after}`, as);
    expect(page.items.length).toBeLessThanOrEqual(3);
    found.push(...titles(page));
    after = page.next === undefined ? '' : `&after=${page.next}`;
  } while (after !== '');
  return found;
}

const newestFirst = Array.from({ length: 11 }, (_, i) => `film ${10 - i}`);

describe('GET /api/videos', () => {
  it.each(['newest', 'views', 'trending'])('lists every public and watchable video once, page by page, by %s', async (sort) => {
    const found = await allPages(`sort=${sort}`);
    expect(found.toSorted()).toEqual(newestFirst.toSorted());
    if (sort !== 'trending') expect(found).toEqual(newestFirst);
  });

  it('lists those with a tag, and those of an owner', async () => {
    expect(await allPages('tag=even')).toEqual(newestFirst.filter((_, i) => i % 2 === 0));
    expect(await allPages('tag=nothing')).toEqual([]);
    expect(await allPages(`ownerId=${ann.identity.accountId}&tag=even`, bob)).toEqual(newestFirst.filter((_, i) => i % 2 === 0));
    expect(await allPages(`ownerId=${bob.identity.accountId}`)).toEqual([]);
    expect(await allPages(`ownerId=${ann.identity.accountId}`, bob)).toEqual(newestFirst);
  });

  it('shows owners all of theirs, private and unfinished ones too, in every order', async () => {
    const all = ['unfinished', 'unlisted', 'hidden', ...newestFirst].toSorted();
    for (const sort of ['newest', 'views', 'trending']) expect((await allPages(`ownerId=me&sort=${sort}`, ann)).toSorted()).toEqual(all);
    expect((await allPages(`ownerId=${ann.identity.accountId}`, ann)).toSorted()).toEqual(all);
    const admin = await catalog.person('admin');
    expect((await allPages(`ownerId=${ann.identity.accountId}`, admin)).toSorted()).toEqual(all);
    expect((await catalog.ask('GET', '/api/videos?ownerId=me')).status).toBe(401);
  });

  it('keeps its place when videos are added and removed between pages', async () => {
    const first = await catalog.list('?limit=3&tag=film');
    const added = await catalog.createReady(ann, { title: 'added', tags: ['film'] });
    const second = await catalog.list(`?limit=3&tag=film&after=${first.next ?? ''}`);
    expect([...titles(first), ...titles(second)]).toEqual(newestFirst.slice(0, 6));
    await catalog.ask('DELETE', `/api/videos/${added.videoId}`, ann);
    expect(titles(await catalog.list('?limit=1&tag=film'))).toEqual(['film 10']);
  });

  it('shows a change at once', async () => {
    const { videoId } = await catalog.createReady(bob, { title: 'before', tags: ['fresh'] });
    expect(titles(await catalog.list('?tag=fresh'))).toEqual(['before']);
    await catalog.ask('PATCH', `/api/videos/${videoId}`, bob, { title: 'after' }, { 'if-match': '*' });
    expect(titles(await catalog.list('?tag=fresh'))).toEqual(['after']);
    await catalog.ask('PATCH', `/api/videos/${videoId}`, bob, { visibility: 'private' }, { 'if-match': '*' });
    expect(titles(await catalog.list('?tag=fresh'))).toEqual([]);
  });

  it.each([
    'limit=0',
    'limit=101',
    'limit=many',
    'sort=best',
    'ownerId=x',
    'unknown=1',
    `tag=${'a'.repeat(51)}`,
    'after=',
    'after=x',
    'after=%00',
    `after=${Buffer.from('newest x').toString('base64url')}`,
    `after=${Buffer.from(`newest {"$gt":""}${newId()}`).toString('base64url')}`,
    `after=${'a'.repeat(501)}`,
    'tag=a&tag=b',
  ])('refuses %s', async (query) => {
    const answer = await catalog.ask('GET', `/api/videos?${query}`);
    expect([answer.status, slugOf(answer.body)]).toEqual([400, 'invalid-request']);
  });
});
