import { assetPrefix, type EventData } from '@kinora/contracts';
import { DuplicateKeyError, type Documents, type Identified } from '@kinora/documents';
import { event, openOutbox, outboxIndex, type Bus, type Change, type Envelope, type Outbox } from '@kinora/messaging';
import type { AssetDocument } from './asset.ts';
import type { Job, Plan } from './plan.ts';
import { openingJobs } from './plan.ts';

/** Remembers that a video is gone, for the event of its upload may come later. */
interface Removal extends Identified {
  readonly removedAt: string;
  /** Assets that the video had, some of them twice: whoever removes them may die before their blobs are gone. */
  readonly assetIds?: readonly string[];
}

/** Files below `assetPrefix(assetId)`. */
export const renditionFile = (assetId: string, renditionId: string, file: string): string =>
  `${assetPrefix(assetId)}${renditionId}/${file}`;

/** Orders for workers: what makes something watchable has a queue of its own and goes ahead. */
export const command = (assetId: string, { jobId, step }: Pick<Job, 'jobId' | 'step'>, now: Date): Envelope =>
  event(
    ['probe', 'remux', 'opening', 'audio'].includes(step) ? 'asset.open' : 'asset.transcode',
    'transcoding',
    { assetId, jobId },
    { subject: assetId, now },
  );

/** Commands for the jobs that a new plan begins with. */
export const openingCommands = (assetId: string, plan: Plan, now: Date): Envelope[] =>
  openingJobs(plan).map((job) => command(assetId, job, now));

export interface Store {
  /** Begins an asset for a completed upload; nothing happens when it exists. False when its video is gone: then `removeVideo` removes what there is. */
  begin(upload: EventData<'upload.completed'>): Promise<boolean>;
  find(assetId: string): Promise<AssetDocument | undefined>;
  /** One atomic change, decided on the document as it is; undefined when the asset is gone. */
  change(assetId: string, decide: (document: AssetDocument) => Change | undefined): Promise<AssetDocument | undefined>;
  /** A worker gives a sign of life. False when the asset is gone. */
  keepAlive(assetId: string): Promise<boolean>;
  /** Assets whose work is not finished and of which nothing was heard since `before`. */
  findSilent(before: Date): Promise<readonly AssetDocument[]>;
  /** Removes the assets of a video and remembers it; returns the ids of all that it ever had. */
  removeVideo(videoId: string): Promise<readonly string[]>;
  /**
   * Gives the asset to the writer of its playlists called `pen`, if none other has it, or `after` has: undefined when it is with another, or gone.
   */
  takePen(assetId: string, pen: string, after?: string): Promise<AssetDocument | undefined>;
  /** Notes what has been written, and leaves the asset to the next writer, if it is still with `pen`. */
  putPenDown(assetId: string, pen: string, written: AssetDocument['written']): Promise<void>;
  /** Forgets removals older than `before`. */
  sweepRemovals(before: Date): Promise<void>;
  /** Resolves when all commands and events written so far are on the bus. */
  flush(): Promise<void>;
  readonly outbox: Outbox;
}

/** Opens the collections of transcoding. */
export function openStore(documents: Documents, bus: Bus, now: () => Date, onError: (error: unknown) => void): Store {
  const assets = documents.collection<AssetDocument>('assets', {
    indexes: [{ keys: { videoId: 1 } }, { keys: { state: 1, aliveAt: 1 } }, outboxIndex],
  });
  const removals = documents.collection<Removal>('removals', { indexes: [{ keys: { removedAt: 1 } }] });
  const outbox = openOutbox({ bus, collections: [assets], now, onError });
  return {
    outbox,
    flush: () => outbox.flush(),
    async begin({ uploadId, videoId, ownerId, sourceKey, bytes }) {
      const isRemoved = async (): Promise<boolean> => (await removals.findOne({ _id: videoId })) !== undefined;
      if (await isRemoved()) return false;
      const at = now();
      const since = at.toISOString();
      const blank = { state: 'processing', revision: 0, sent: 0, jobs: {}, renditions: {}, version: 0 } as const;
      const document: AssetDocument = {
        ...blank,
        _id: uploadId,
        videoId,
        ownerId,
        sourceKey,
        bytes,
        createdAt: since,
        aliveAt: since,
        progressedAt: since,
      };
      try {
        await outbox.insert(assets, document, [command(uploadId, { jobId: 'probe', step: 'probe' }, at)]);
      } catch (error) {
        if (!(error instanceof DuplicateKeyError)) throw error;
      }
      // Whoever removes the video writes that first and looks for its assets then: one of both sees what the other has written.
      return !(await isRemoved());
    },
    find: (assetId) => assets.findOne({ _id: assetId, removedAt: { $exists: false } }),
    change: (assetId, decide) => outbox.change(assets, assetId, decide),
    keepAlive: async (assetId) =>
      (await assets.updateOne({ _id: assetId, removedAt: { $exists: false } }, { $set: { aliveAt: now().toISOString() } })).matchedCount >
      0,
    findSilent: (before) =>
      assets.find(
        { state: { $in: ['processing', 'watchable'] }, aliveAt: { $lt: before.toISOString() }, removedAt: { $exists: false } },
        { limit: 100 },
      ),
    async removeVideo(videoId) {
      await removals.updateOne({ _id: videoId }, { $set: { removedAt: now().toISOString() } }, { upsert: true });
      const found = (await assets.find({ videoId })).map(({ _id }) => _id);
      const removal = await removals.findOneAndUpdate({ _id: videoId }, { $push: { assetIds: { $each: found } } });
      for (const assetId of found) await outbox.remove(assets, assetId, () => []);
      return [...new Set(removal?.assetIds ?? found)];
    },
    takePen: (assetId, pen, after) => {
      const isFree = after === undefined ? { pen: { $exists: false } } : { pen: after };
      return assets.findOneAndUpdate({ _id: assetId, removedAt: { $exists: false }, ...isFree }, { $set: { pen } });
    },
    putPenDown: async (assetId, pen, written) =>
      void (await assets.updateOne({ _id: assetId, pen }, { $unset: { pen: '' }, $set: { written } })),
    sweepRemovals: async (before) => void (await removals.deleteMany({ removedAt: { $lt: before.toISOString() } })),
  };
}
