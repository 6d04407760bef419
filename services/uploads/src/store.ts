/** Upload records: the only place that knows the collection. */
import type { Growing, GrowingBlob } from '@kinora/blobs';
import { Problem, sourceKey } from '@kinora/contracts';
import type { Collection, Documents } from '@kinora/documents';
import { event, outboxIndex, type Outbox, type Outboxed } from '@kinora/messaging';
import type { LeaseStamp } from './leases.ts';

/** An upload. Its offset is what the blob store makes of `growth`. */
export interface UploadDocument extends Outboxed {
  readonly videoId: string;
  readonly ownerId: string;
  readonly filename: string;
  readonly mediaType?: string;
  /** Upload-Metadata as it was sent. */
  readonly metadata: string;
  readonly lengthBytes: number;
  readonly state: 'open' | 'completed';
  readonly createdAt: string;
  readonly expiresAt: string;
  readonly completedAt?: string;
  /** What the blob store wants remembered of the bytes so far (`GrowingBlob.state`). */
  readonly growth?: string;
  /** Who may change the upload now. */
  readonly lease?: LeaseStamp;
  /** Set when the lease was taken from a holder that may live, until that one is shut out. */
  readonly unfenced?: boolean;
}

export interface Store {
  find(uploadId: string): Promise<UploadDocument | undefined>;
  /** Begins the blob, then makes the record and gives it. @throws {Problem} quota-exceeded. @throws {StorageFullError} */
  create(upload: UploadDocument): Promise<UploadDocument>;
  /** Removes bytes and record; no error when absent. */
  remove(uploadId: string): Promise<void>;
  /** Makes a blob of the source, then tells of it once, however often it is called. For who has the upload for itself. */
  complete(uploadId: string, requestId?: string): Promise<void>;
  hasCompleted(videoId: string): Promise<boolean>;
  ofVideo(videoId: string): Promise<UploadDocument[]>;
  open(): AsyncIterable<UploadDocument>;
  /** At most `limit` open uploads whose time is over, oldest first. */
  expired(limit: number): Promise<UploadDocument[]>;
}

export interface StoreOptions {
  readonly uploads: Collection<UploadDocument>;
  readonly growing: Growing;
  readonly outbox: Outbox;
  /** 0 for no limit. */
  readonly quotaBytes: number;
  readonly now: () => Date;
}

/** What the keys of all sources begin with. */
export const sources = sourceKey('');
/** Inverse of `sourceKey`. */
export const uploadIdOf = (key: string): string => key.slice(sources.length);

/** The source of `upload` as the blob store knows it. */
export const growingOf = ({ _id, lengthBytes, growth = '' }: UploadDocument): GrowingBlob => ({
  key: sourceKey(_id),
  lengthBytes,
  state: growth,
});

/** Declares the collection. */
export const openUploads = (documents: Documents): Collection<UploadDocument> =>
  documents.collection<UploadDocument>('uploads', {
    indexes: [outboxIndex, { keys: { ownerId: 1 } }, { keys: { videoId: 1 } }, { keys: { state: 1, expiresAt: 1 } }],
  });

async function promisedBytes(uploads: Collection<UploadDocument>, ownerId: string): Promise<number> {
  let bytes = 0;
  for await (const { lengthBytes, removedAt } of uploads.scan({ ownerId })) if (removedAt === undefined) bytes += lengthBytes;
  return bytes;
}

type Reading = 'find' | 'hasCompleted' | 'ofVideo' | 'open' | 'expired';

const reading = ({ uploads, now }: StoreOptions): Pick<Store, Reading> => ({
  async find(uploadId) {
    const upload = await uploads.findOne({ _id: uploadId });
    return upload?.removedAt === undefined ? upload : undefined;
  },
  hasCompleted: async (videoId) => (await uploads.findOne({ videoId, state: 'completed' })) !== undefined,
  ofVideo: (videoId) => uploads.find({ videoId }),
  open: () => uploads.scan({ state: 'open' }),
  expired: (limit) => uploads.find({ state: 'open', expiresAt: { $lte: now().toISOString() } }, { sort: { expiresAt: 1 }, limit }),
});

/** Uploads in `uploads`, their bytes in `growing`. */
export function openStore(options: StoreOptions): Store {
  const { uploads, growing, outbox, quotaBytes, now } = options;
  const { find } = reading(options);
  const remove = async (uploadId: string): Promise<void> => {
    // The record last: whoever comes after one that died in between still finds what has to go.
    await growing.remove(sourceKey(uploadId));
    await outbox.remove(uploads, uploadId, () => []);
  };
  return {
    ...reading(options),
    remove,
    async create(given) {
      const upload = { ...given, growth: await growing.create(sourceKey(given._id), given.lengthBytes) };
      await outbox.insert(uploads, upload, []);
      // Counted after the record exists, so that two requests at once cannot both find room.
      if (quotaBytes === 0 || (await promisedBytes(uploads, upload.ownerId)) <= quotaBytes) return upload;
      await remove(upload._id);
      throw new Problem('quota-exceeded', { detail: 'Delete videos to make room, or ask whoever runs this installation.', quotaBytes });
    },
    async complete(uploadId, requestid) {
      const upload = await find(uploadId);
      if (upload?.state !== 'open') return;
      await growing.finish(growingOf(upload));
      await outbox.change(uploads, uploadId, ({ state, videoId, ownerId, filename, lengthBytes }) => {
        if (state === 'completed') return undefined;
        const data = { uploadId, videoId, ownerId, sourceKey: sourceKey(uploadId), filename, bytes: lengthBytes };
        const completed = event('upload.completed', 'uploads', data, { subject: uploadId, requestid, now: now() });
        return { update: { $set: { state: 'completed', completedAt: now().toISOString() } }, events: [completed] };
      });
    },
  };
}
