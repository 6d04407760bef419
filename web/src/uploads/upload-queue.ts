import type { Video } from '@kinora/contracts';
import { isProblem, type ApiError } from '../api/client.ts';
import {
  discardTransfer,
  forgetTransfer,
  openTransfer,
  rememberedTransfers,
  storedBytes,
  type RememberedTransfer,
  type Transfer,
} from '../api/transfers.ts';
import { createVideo, deleteVideo, fetchVideo } from '../api/videos.ts';
import { isSameFile, refusalOf } from './refusal.ts';
import { titleOfFile } from './title-of-file.ts';
import { addSample, rateOf, type Sample } from './transfer-rate.ts';
import { addRows, changeRow, clearRows, isRunning, removeRow, uploadRows, type Draft, type UploadRow } from './upload-store.ts';

const parallel = 2;
const longestRetryMs = 15_000;
const shownEveryMs = 200;

/** What the store does not show of a row. */
interface Work {
  transfer: Transfer | undefined;
  remembered: RememberedTransfer | undefined;
  samples: readonly Sample[];
  failures: number;
  retryTimer: number | undefined;
}

let accountId = '';
const works = new Map<string, Work>();

const find = (rowId: string): UploadRow | undefined => uploadRows().find((row) => row.rowId === rowId);

function workOf(rowId: string): Work {
  const known = works.get(rowId);
  if (known) return known;
  const work: Work = { transfer: undefined, remembered: undefined, samples: [], failures: 0, retryTimer: undefined };
  works.set(rowId, work);
  return work;
}

/** True for errors after which the same request may well succeed by itself. */
const isPassing = ({ status }: ApiError): boolean =>
  status === undefined || status === 409 || status === 423 || status === 429 || status >= 500;

function startNext(): void {
  const busy = uploadRows().filter(({ state }) => state === 'starting' || state === 'sending' || state === 'stalled').length;
  // Rows are newest first; files go in the order in which they were chosen.
  const waiting = uploadRows().filter(({ state }) => state === 'queued');
  for (const row of waiting.toReversed().slice(0, Math.max(0, parallel - busy))) void begin(row.rowId);
}

async function begin(rowId: string): Promise<void> {
  const row = find(rowId);
  if (!row?.file) return;
  changeRow(rowId, { state: 'starting', error: undefined, refusal: undefined, bytesPerSecond: undefined });
  try {
    const videoId =
      row.videoId ?? (await createVideo({ ...row.draft, title: row.draft.title.trim() || titleOfFile(row.filename) })).videoId;
    const now = find(rowId);
    if (!now) return void deleteVideo(videoId).catch(() => undefined);
    changeRow(rowId, { videoId });
    const work = workOf(rowId);
    work.transfer ??= openTransfer(row.file, videoId, accountId, work.remembered, listenersOf(rowId));
    if (now.state === 'starting') work.transfer.start();
  } catch (error) {
    changeRow(rowId, { state: 'failed', error });
    startNext();
  }
}

function listenersOf(rowId: string) {
  const work = workOf(rowId);
  let shownAtMs = 0;
  return {
    onProgress: (bytesSent: number) => {
      const nowMs = performance.now();
      work.failures = 0;
      work.samples = addSample(work.samples, { atMs: nowMs, bytes: bytesSent });
      if (nowMs - shownAtMs < shownEveryMs || find(rowId)?.state === 'paused') return;
      shownAtMs = nowMs;
      changeRow(rowId, { state: 'sending', bytesSent, bytesPerSecond: rateOf(work.samples) });
    },
    onDone: () => {
      works.delete(rowId);
      changeRow(rowId, { state: 'sent', bytesSent: find(rowId)?.bytesTotal ?? 0, bytesPerSecond: undefined });
      startNext();
    },
    onError: (error: ApiError) => void onError(rowId, error),
  };
}

/** False when the file was changed, moved or deleted since it was chosen, which a browser reports like a lost connection. */
const isReadable = (file: File | undefined): Promise<boolean> =>
  file === undefined
    ? Promise.resolve(false)
    : file
        .slice(0, 1)
        .arrayBuffer()
        .then(
          () => true,
          () => false,
        );

async function onError(rowId: string, error: ApiError): Promise<void> {
  const work = workOf(rowId);
  work.samples = [];
  const refusal = error.status === undefined && !(await isReadable(find(rowId)?.file)) ? ('unreadable' as const) : undefined;
  if (refusal !== undefined || !isPassing(error)) {
    changeRow(rowId, { state: 'failed', error, refusal, bytesPerSecond: undefined });
    startNext();
    return;
  }
  changeRow(rowId, { state: 'stalled', bytesPerSecond: undefined });
  work.failures += 1;
  window.clearTimeout(work.retryTimer);
  work.retryTimer = window.setTimeout(() => retryStalled(rowId), Math.min(longestRetryMs, 500 * 2 ** work.failures));
}

function retryStalled(rowId: string): void {
  if (find(rowId)?.state !== 'stalled') return;
  workOf(rowId).transfer?.start();
}

window.addEventListener('online', () => {
  for (const { rowId } of uploadRows()) retryStalled(rowId);
});

window.addEventListener('beforeunload', (event) => {
  if (uploadRows().some(isRunning)) event.preventDefault();
});

const newRow = (file: File, visibility: Draft['visibility']): UploadRow => {
  const refusal = refusalOf(file);
  return {
    rowId: crypto.getRandomValues(new Uint32Array(4)).join('-'),
    filename: file.name.normalize('NFC'),
    draft: { title: titleOfFile(file.name), description: '', visibility },
    state: refusal === undefined ? 'queued' : 'refused',
    bytesTotal: file.size,
    bytesSent: 0,
    bytesPerSecond: undefined,
    videoId: undefined,
    error: undefined,
    refusal,
    file,
  };
};

/** Begins with files, two at a time; one that an interrupted upload waits for goes on with that. */
export function addFiles(files: readonly File[], visibility: Draft['visibility']): void {
  const fresh: File[] = [];
  for (const file of files) {
    const begun = uploadRows().find((row) => row.state === 'interrupted' && isSameFile(file, row));
    if (begun) continueWith(begun.rowId, file);
    else fresh.push(file);
  }
  addRows(fresh.map((file) => newRow(file, visibility)).toReversed());
  startNext();
}

/** Goes on with an interrupted upload, if this is its file. */
export function continueWith(rowId: string, file: File): void {
  const row = find(rowId);
  if (!row) return;
  if (!isSameFile(file, row)) return changeRow(rowId, { refusal: 'otherFile' });
  changeRow(rowId, { file, state: 'queued', refusal: undefined });
  startNext();
}

/** Stops sending until `resume`. */
export async function pause(rowId: string): Promise<void> {
  const work = workOf(rowId);
  window.clearTimeout(work.retryTimer);
  work.samples = [];
  changeRow(rowId, { state: 'paused', bytesPerSecond: undefined });
  await work.transfer?.pause();
  startNext();
}

/** Goes on after a pause or a failure. */
export function resume(rowId: string): void {
  changeRow(rowId, { state: 'queued', error: undefined });
  startNext();
}

/** Deletes the video and what is stored of its file. @throws {ApiError} when the server cannot; the row then stays. */
export async function cancel(rowId: string): Promise<void> {
  const row = find(rowId);
  const work = workOf(rowId);
  window.clearTimeout(work.retryTimer);
  await work.transfer?.pause();
  if (row?.videoId !== undefined) await deleteVideo(row.videoId);
  // Deleting the video has the server drop the rest of it; this only spares the wait.
  await work.transfer?.discard().catch(() => undefined);
  if (work.remembered) await discardTransfer(work.remembered);
  works.delete(rowId);
  removeRow(rowId);
  startNext();
}

/** Takes a row off the page; what was uploaded stays. */
export function dismiss(rowId: string): void {
  works.delete(rowId);
  removeRow(rowId);
}

async function showInterrupted(remembered: RememberedTransfer): Promise<void> {
  const { videoId, filename } = remembered.metadata;
  if (videoId === undefined || filename === undefined || remembered.size === null) return forgetTransfer(remembered);
  if (uploadRows().some((row) => row.videoId === videoId)) return;
  let video: Video | undefined;
  try {
    ({ video } = await fetchVideo(videoId));
  } catch (error) {
    if (isProblem(error, 'not-found')) return forgetTransfer(remembered);
  }
  const bytesSent = await storedBytes(remembered);
  const rowId = remembered.urlStorageKey;
  workOf(rowId).remembered = remembered;
  addRows([
    {
      rowId,
      filename,
      draft: {
        title: video?.title ?? titleOfFile(filename),
        description: video?.description ?? '',
        visibility: video?.visibility ?? 'public',
      },
      state: 'interrupted',
      bytesTotal: remembered.size,
      bytesSent: bytesSent ?? 0,
      bytesPerSecond: undefined,
      videoId,
      error: undefined,
      refusal: undefined,
      file: undefined,
    },
  ]);
}

/** Opens the queue for an account: shows what an earlier page left unfinished, and nothing of another account. */
export async function openQueue(forAccountId: string): Promise<void> {
  if (accountId !== forAccountId) {
    for (const { transfer, retryTimer } of works.values()) {
      window.clearTimeout(retryTimer);
      void transfer?.pause();
    }
    works.clear();
    clearRows();
  }
  accountId = forAccountId;
  for (const remembered of await rememberedTransfers(accountId)) await showInterrupted(remembered);
}
