/** docs/add-a-service.md, taken at its word: its files are written to a folder and run. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { newId, type EventData } from '@kinora/contracts';
import { startHost, type Composition, type Host, type ServiceDefinition, type Subscribed } from '@kinora/service';
import { createTestIdentities, type TestIdentities } from '@kinora/service/testing';
import { root, textOf } from '../repository.ts';

const files = [...textOf('docs/add-a-service.md').matchAll(/^`(services\/likes\/[^`]+)`\n\n```\w+\n([\s\S]*?)^```$/gm)].map(
  ([, file = '', text = '']) => ({ file, text }),
);

let folder: string;
let identities: TestIdentities;
let host: Host;
let subscribed: readonly Subscribed[] = [];

/** The service of the page; its subscriptions are called by the test, for the contracts do not send it any event. */
async function loadService(): Promise<ServiceDefinition> {
  const file = pathToFileURL(path.join(folder, 'services/likes/src/service.ts')).href;
  const { likes } = (await import(file)) as { likes: ServiceDefinition };
  const configure: ServiceDefinition['configure'] = (env) => {
    const compose = likes.configure(env);
    return async (ports): Promise<Composition> => {
      const { subscriptions = [], ...composition } = await compose(ports);
      subscribed = subscriptions;
      return composition;
    };
  };
  return { ...likes, configure };
}

beforeAll(async () => {
  await mkdir(path.join(root, '.cache'), { recursive: true });
  folder = await mkdtemp(path.join(root, '.cache', 'walkthrough-'));
  for (const { file, text } of files) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true });
    await writeFile(path.join(folder, file), text);
  }
  identities = await createTestIdentities();
  host = await startHost({
    definitions: [await loadService()],
    env: { PORT: '0', DATA_DIR: path.join(folder, 'data'), LOG_LEVEL: 'silent', LIKES_MAX_PER_ACCOUNT: '2', ...identities.env },
  });
});

afterAll(async () => {
  await host.stop();
  await rm(folder, { recursive: true });
});

const ask = (method: 'GET' | 'PUT' | 'DELETE', videoId: string, headers: Record<string, string> = {}) =>
  host.app('likes').inject({ method, url: `/api/likes/${videoId}`, headers });

describe('the service of docs/add-a-service.md', () => {
  it('has every file that the page names', () => {
    expect(files.map(({ file }) => path.basename(file)).sort()).toEqual(
      ['config.ts', 'likes.test.ts', 'main.ts', 'package.json', 'routes.ts', 'service.ts', 'store.ts', 'subscriptions.ts'].sort(),
    );
  });

  it('counts an account once, however often it likes, and takes a like back', async () => {
    const videoId = newId();
    const { headers } = await identities.create('viewer');
    for (let time = 0; time < 2; time++) expect((await ask('PUT', videoId, headers)).statusCode).toBe(204);
    expect((await ask('GET', videoId)).json()).toEqual({ count: 1 });
    expect((await ask('DELETE', videoId, headers)).statusCode).toBe(204);
    expect((await ask('GET', videoId)).json()).toEqual({ count: 0 });
  });

  it('answers with problems: nobody signed in, no such id, too many', async () => {
    const { headers } = await identities.create('viewer');
    expect((await ask('PUT', newId())).statusCode).toBe(401);
    expect((await ask('GET', 'NOT-AN-ID')).statusCode).toBe(400);
    for (let time = 0; time < 2; time++) await ask('PUT', newId(), headers);
    expect((await ask('PUT', newId(), headers)).json()).toMatchObject({ status: 413, detail: 'An account likes at most 2 videos.' });
  });

  it('forgets a video that is removed', async () => {
    const videoId = newId();
    const { headers, identity } = await identities.create('viewer');
    await ask('PUT', videoId, headers);
    const data: EventData<'video.removed'> = { videoId, ownerId: identity.accountId };
    const envelope = {
      specversion: '1.0',
      id: newId(),
      source: 'catalog',
      type: 'video.removed',
      time: new Date().toISOString(),
      data,
    } as const;
    expect(subscribed.map(({ type }) => type)).toEqual(['video.removed']);
    for (const { handler } of subscribed) await handler({ envelope, attempt: 1, signal: new AbortController().signal });
    expect((await ask('GET', videoId)).json()).toEqual({ count: 0 });
  });

  it('refuses a setting that it does not know', async () => {
    const { configure } = await loadService();
    expect(() => configure({ LIKES_MAXIMUM: '3' })).toThrow('LIKES_MAXIMUM is not a setting of likes');
  });
});
