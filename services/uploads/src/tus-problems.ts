/** What @tus/server and the blob store throw or answer, as problems. */
import { BlobNotFoundError, BlobStoreError } from '@kinora/blobs';
import { Problem, type ProblemSlug } from '@kinora/contracts';
import { ERRORS } from '@tus/server';

type TusError = (typeof ERRORS)[keyof typeof ERRORS];

const known = new Map<TusError, readonly [ProblemSlug, string]>([
  [ERRORS.MISSING_OFFSET, ['invalid-upload', 'Upload-Offset is missing.']],
  [ERRORS.INVALID_CONTENT_TYPE, ['unsupported-media-type', 'The body has to be application/offset+octet-stream.']],
  [ERRORS.FILE_NOT_FOUND, ['not-found', 'There is no such upload.']],
  [ERRORS.INVALID_OFFSET, ['upload-offset-conflict', 'Ask for the offset with HEAD and go on from there.']],
  [ERRORS.FILE_NO_LONGER_EXISTS, ['upload-gone', 'The upload has expired; start again.']],
  [ERRORS.ERR_SIZE_EXCEEDED, ['payload-too-large', 'The body goes past the length of the upload.']],
  [ERRORS.ERR_MAX_SIZE_EXCEEDED, ['upload-too-large', 'See Tus-Max-Size for the largest file taken.']],
  [ERRORS.INVALID_LENGTH, ['invalid-upload', 'Upload-Length has to say the length of the file; it cannot be deferred or changed.']],
  [ERRORS.INVALID_METADATA, ['invalid-upload', 'Upload-Metadata is not as tus describes it.']],
  [ERRORS.INVALID_TERMINATION, ['conflict', 'The upload is complete; delete the video instead.']],
  [ERRORS.UNSUPPORTED_CONCATENATION_EXTENSION, ['invalid-upload', 'Concatenation is not offered; send one upload per file.']],
  [
    ERRORS.UNSUPPORTED_CREATION_DEFER_LENGTH_EXTENSION,
    ['invalid-upload', 'The length of the file has to be known at the start: send Upload-Length.'],
  ],
]);

function storeProblem(cause: unknown): Problem | undefined {
  if (cause instanceof BlobNotFoundError)
    return new Problem('upload-gone', { detail: 'The bytes sent before are gone; start again.', cause });
  if (cause instanceof BlobStoreError)
    return new Problem('service-unavailable', { detail: 'The blob store does not answer; go on from the stored offset.', cause });
  return undefined;
}

/** The problem behind anything that came out of the tus server; what is unknown stays as it is and becomes a 500. */
export function problemOf(thrown: unknown, storedOffset: number | undefined): unknown {
  const entry = known.get(thrown as TusError);
  if (!entry) return storeProblem(thrown) ?? (thrown instanceof Error ? thrown : new Error('the tus server failed', { cause: thrown }));
  const [slug, detail] = entry;
  return new Problem(slug, { detail, ...(slug === 'upload-offset-conflict' && storedOffset !== undefined ? { storedOffset } : {}) });
}

/** The problem for an answer that the tus server wrote itself: headers that it does not take. */
export async function problemOfAnswer(answer: Response): Promise<Problem> {
  const text = (await answer.text()).trim();
  const header = /^Invalid ([a-z- ]+)$/.exec(text)?.[1];
  return new Problem('invalid-upload', {
    detail: header === undefined ? 'The tus headers are not valid.' : `Not valid: ${header.split(' ').join(', ')}.`,
  });
}
