import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { BlobStoreError, openBlobs, type Blobs, type Growing } from '@kinora/blobs';
import { openDocuments } from '@kinora/documents';
import { openBus } from '@kinora/messaging';
import { openLog, startHost, type Host } from '@kinora/service';
import { createTestIdentities } from '@kinora/service/testing';
import { catalog } from '../../catalog/src/service.ts';
import { uploads } from '../src/service.ts';
import { embedded } from './stores.ts';
import { environment, lookInto, metadataOf, patchHeaders, speakTo, tusHeaders, until, type Asking, type Looking } from './uploads.ts';

interface Started extends Asking, Looking {
  close(): Promise<void>;
}

const growingOf = (blobs: Blobs, own: (growing: Growing) => Partial<Growing>): Blobs => {
  const of = <T extends object>(port: T, mine: Partial<T>): T =>
    new Proxy(port, {
      get: (target, name) => {
        const value: unknown = Reflect.get(name in mine ? mine : target, name);
        return typeof value === 'function' ? (value as () => unknown).bind(target) : value;
      },
    });
  return of(blobs, { growing: of(blobs.growing, own(blobs.growing)) });
};

describe('a removed video', () => {
  let host: Host | undefined;
  let started: Started | undefined;
  let dataDir: string;
  /** Starts catalog and uploads over a blob store in which `own` stands for calls of growing blobs. */
  const start = async (own: (growing: Growing) => Partial<Growing>): Promise<Started> => {
    dataDir = await mkdtemp(path.join(tmpdir(), 'kinora-uploads-'));
    const identities = await createTestIdentities();
    const env = environment(embedded, identities, dataDir);
    const openers = { openBus, openDocuments, openBlobs: (url: string) => growingOf(openBlobs(url), own) };
    host = await startHost({ definitions: [catalog, uploads], env, log: openLog('silent'), openers });
    return (started = { ...speakTo(host.url, identities), ...(await lookInto(env)) });
  };
  afterEach(async () => {
    await host?.stop();
    await started?.close();
    await rm(dataDir, { recursive: true, force: true });
  });
  const isTold = ({ bus }: Started): Promise<void> =>
    until('the removal has been heard', async () =>
      (await bus.depths()).every(({ queue, waiting, underWay }) => queue !== 'uploads.video.removed' || waiting + underWay === 0),
    ).then(() => undefined);

  it('gets no upload that was asked for just before and begun just after', async () => {
    const [reached, opened] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    const kinora = await start((growing) => ({
      async create(...args) {
        reached.resolve();
        await opened.promise;
        return growing.create(...args);
      },
    }));
    const ann = await kinora.person();
    const { videoId } = await kinora.createVideo(ann);
    const headers = { ...tusHeaders, 'upload-length': '10', 'upload-metadata': metadataOf({ videoId, filename: 'film.mp4' }) };
    const asking = kinora.send('POST', '/api/uploads', ann, headers);
    await reached.promise;
    await kinora.removeVideo(ann, videoId);
    await until('the removal is told', async () => (await kinora.send('GET', `/api/videos/${videoId}`, ann)).status === 404);
    await isTold(kinora);
    opened.resolve();
    expect(await asking).toMatchObject({ status: 404, slug: 'not-found' });
    expect(await kinora.uploads.countDocuments({})).toBe(0);
    expect(await kinora.keys()).toEqual([]);
  });

  it('leaves nothing behind when its removal fails in the middle and comes again', async () => {
    let isAway = true;
    const kinora = await start((growing) => ({
      async remove(key) {
        if (isAway) {
          isAway = false;
          throw new BlobStoreError('The object store does not answer');
        }
        await growing.remove(key);
      },
    }));
    const ann = await kinora.person();
    const location = await kinora.start(ann, 10);
    await kinora.send('PATCH', location, ann, patchHeaders(0), 'abc');
    const { videoId } = await kinora.record(location);
    await kinora.removeVideo(ann, videoId);
    await until('the bytes are gone', async () => (await kinora.keys()).length === 0);
    await isTold(kinora);
    await until('the record is gone', async () => (await kinora.uploads.countDocuments({})) === 0);
  });
});
