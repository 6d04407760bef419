import { DetailedError, Upload, defaultOptions, type PreviousUpload } from 'tus-js-client';
import { ApiError, parseProblem } from './client.ts';

const endpoint = '/api/uploads';
const chunkBytes = 64 * 1024 * 1024;
const protocol = { 'tus-resumable': '1.0.0' };

/** A transfer begun on an earlier page, as the browser remembers it. */
export type RememberedTransfer = PreviousUpload;

/** A file on its way by tus. */
export interface Transfer {
  /** Sends from where the server stopped. */
  start(): void;
  /** Stops sending; what is stored stays. */
  pause(): Promise<void>;
  /** Stops and has the server forget what is stored. */
  discard(): Promise<void>;
}

interface Listeners {
  readonly onProgress: (bytesSent: number) => void;
  readonly onDone: () => void;
  readonly onError: (error: ApiError) => void;
}

const fingerprintStart = (accountId: string): string => `kinora-${accountId}-`;

function asApiError(error: Error): ApiError {
  const response = error instanceof DetailedError ? error.originalResponse : null;
  if (!response || response.getStatus() === 0) return new ApiError(undefined, undefined, undefined, error);
  return new ApiError(response.getStatus(), parseProblem(response.getBody()), response.getHeader('x-request-id'), error);
}

/** Prepares the transfer of a file into a video; `remembered` goes on with one that was interrupted. It never retries by itself. */
export function openTransfer(
  file: File,
  videoId: string,
  accountId: string,
  remembered: RememberedTransfer | undefined,
  listeners: Listeners,
): Transfer {
  const upload = new Upload(file, {
    endpoint,
    chunkSize: chunkBytes,
    retryDelays: null,
    removeFingerprintOnSuccess: true,
    metadata: { videoId, filename: file.name.normalize('NFC'), filetype: file.type === '' ? 'application/octet-stream' : file.type },
    fingerprint: () => Promise.resolve(`${fingerprintStart(accountId)}${videoId}`),
    onProgress: listeners.onProgress,
    onSuccess: listeners.onDone,
    onError: (error) => listeners.onError(asApiError(error)),
  });
  if (remembered) upload.resumeFromPreviousUpload(remembered);
  return {
    start: () => upload.start(),
    pause: () => upload.abort(),
    discard: () => upload.abort(true),
  };
}

/** Transfers that this account began in this browser and that did not end, newest first. */
export async function rememberedTransfers(accountId: string): Promise<readonly RememberedTransfer[]> {
  const all = await defaultOptions.urlStorage.findAllUploads();
  const own = all.filter(
    ({ urlStorageKey, uploadUrl }) => uploadUrl !== null && urlStorageKey.startsWith(`tus::${fingerprintStart(accountId)}`),
  );
  return own.sort((a, b) => Date.parse(b.creationTime) - Date.parse(a.creationTime));
}

/** Forgets a transfer in this browser. */
export const forgetTransfer = (remembered: RememberedTransfer): Promise<void> =>
  defaultOptions.urlStorage.removeUpload(remembered.urlStorageKey);

/** Bytes the server has of a remembered transfer; undefined when it has expired or the server cannot say. */
export async function storedBytes({ uploadUrl }: RememberedTransfer): Promise<number | undefined> {
  if (uploadUrl === null) return undefined;
  try {
    const response = await fetch(uploadUrl, { method: 'HEAD', headers: protocol, cache: 'no-store' });
    const offset = response.headers.get('upload-offset');
    return response.ok && offset !== null ? Number(offset) : undefined;
  } catch {
    return undefined;
  }
}

/** Has the server forget what it stored of a remembered transfer; one that is gone already counts as forgotten. */
export async function discardTransfer(remembered: RememberedTransfer): Promise<void> {
  if (remembered.uploadUrl !== null) await Upload.terminate(remembered.uploadUrl, { endpoint, retryDelays: null }).catch(() => undefined);
  await forgetTransfer(remembered);
}
