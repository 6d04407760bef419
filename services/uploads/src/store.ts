/** Upload records: the only place that knows the collection. */
import { Problem, sourceKey } from '@kinora/contracts';
import type { Collection, Documents } from '@kinora/documents';
import { event, outboxIndex, type Outbox, type Outboxed } from '@kinora/messaging';
import type { SourceFiles } from './source-files.ts';

/** An upload. Its offset is the length of its file, so that it survives whatever the file survives. */
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
  /** Set while a body with a checksum arrives: bytes from here on have not been verified and do not count. */
  readonly verifiedBytes?: number;
}

export interface Store {
  find(uploadId: string): Promise<UploadDocument | undefined>;
  /** Makes the file, then the record. @throws {Problem} quota-exceeded. @throws {StorageFullError} */
  create(upload: UploadDocument): Promise<void>;
  /** Removes record and file; no error when absent. */
  remove(uploadId: string): Promise<void>;
  /** Says that bytes from `verifiedBytes` on are not verified; undefined: all are. */
  markVerified(uploadId: string, verifiedBytes: number | undefined): Promise<void>;
  /** Makes the source durable, then tells of it once, however often it is called. */
  complete(uploadId: string, requestId?: string): Promise<void>;
  hasCompleted(videoId: string): Promise<boolean>;
  ofVideo(videoId: string): Promise<UploadDocument[]>;
  open(): AsyncIterable<UploadDocument>;
  /** At most `limit` open uploads whose time is over, oldest first. */
  expired(limit: number): Promise<UploadDocument[]>;
}

export interface StoreOptions {
  readonly uploads: Collection<UploadDocument>;
  readonly files: SourceFiles;
  readonly outbox: Outbox;
  /** 0 for no limit. */
  readonly quotaBytes: number;
  readonly now: () => Date;
}

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

/** Uploads in `uploads`, their bytes in `files`. */
export function openStore(options: StoreOptions): Store {
  const { uploads, files, outbox, quotaBytes, now } = options;
  const remove = async (uploadId: string): Promise<void> => {
    await outbox.remove(uploads, uploadId, () => []);
    await files.remove(uploadId);
  };
  return {
    ...reading(options),
    remove,
    async create(upload) {
      await files.create(upload._id);
      await outbox.insert(uploads, upload, []);
      // Counted after the record exists, so that two requests at once cannot both find room.
      if (quotaBytes === 0 || (await promisedBytes(uploads, upload.ownerId)) <= quotaBytes) return;
      await remove(upload._id);
      throw new Problem('quota-exceeded', { detail: 'Delete videos to make room, or ask whoever runs this installation.', quotaBytes });
    },
    async markVerified(uploadId, verifiedBytes) {
      await uploads.updateOne(
        { _id: uploadId },
        verifiedBytes === undefined ? { $unset: { verifiedBytes: true } } : { $set: { verifiedBytes } },
      );
    },
    async complete(uploadId, requestid) {
      await files.sync(uploadId);
      await outbox.change(uploads, uploadId, ({ state, videoId, ownerId, filename, lengthBytes }) => {
        if (state === 'completed') return undefined;
        const data = { uploadId, videoId, ownerId, sourceKey: sourceKey(uploadId), filename, bytes: lengthBytes };
        const completed = event('upload.completed', 'uploads', data, { subject: uploadId, requestid, now: now() });
        return { update: { $set: { state: 'completed', completedAt: now().toISOString() } }, events: [completed] };
      });
    },
  };
}
