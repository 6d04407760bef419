import type { Visibility } from '@kinora/contracts';
import { useSyncExternalStore } from 'react';

/** What a row of the upload page is doing. `interrupted`: begun on an earlier page, waits for its file. `stalled`: goes on by itself once the server answers. */
export type UploadState = 'queued' | 'starting' | 'sending' | 'paused' | 'stalled' | 'sent' | 'failed' | 'refused' | 'interrupted';

/** What the person says of a video while its file is sent. */
export interface Draft {
  readonly title: string;
  readonly description: string;
  readonly visibility: Visibility;
}

/** One file on its way. */
export interface UploadRow {
  readonly rowId: string;
  readonly filename: string;
  readonly draft: Draft;
  readonly state: UploadState;
  readonly bytesTotal: number;
  readonly bytesSent: number;
  readonly bytesPerSecond: number | undefined;
  readonly videoId: string | undefined;
  /** Why it is `failed`, as the request threw it. */
  readonly error: unknown;
  /** What is wrong with the file itself, or with the one chosen for an interrupted upload. */
  readonly refusal: 'empty' | 'notVideo' | 'otherFile' | 'unreadable' | undefined;
  /** The local file, for its still; absent after a reload. */
  readonly file: File | undefined;
}

let rows: readonly UploadRow[] = [];
const listeners = new Set<() => void>();

function set(next: readonly UploadRow[]): void {
  rows = next;
  for (const listener of listeners) listener();
}

/** The present rows, newest first. */
export const uploadRows = (): readonly UploadRow[] => rows;

/** Puts rows on top, except those that are there. */
export function addRows(added: readonly UploadRow[]): void {
  set([...added.filter(({ rowId }) => !rows.some((row) => row.rowId === rowId)), ...rows]);
}

/** Changes a row; one that is gone stays gone. */
export function changeRow(rowId: string, change: Partial<UploadRow>): void {
  set(rows.map((row) => (row.rowId === rowId ? { ...row, ...change } : row)));
}

/** Takes a row away. */
export const removeRow = (rowId: string): void => set(rows.filter((row) => row.rowId !== rowId));

/** Takes all rows away, as when another account signs in. */
export const clearRows = (): void => set([]);

/** True for a transfer that a closed page would stop. */
export const isRunning = ({ state }: UploadRow): boolean =>
  state === 'queued' || state === 'starting' || state === 'sending' || state === 'stalled';

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The rows; the component is drawn again when they change. */
export const useUploadRows = (): readonly UploadRow[] => useSyncExternalStore(subscribe, uploadRows);

/** How many transfers are running. */
export const useRunningUploads = (): number => useSyncExternalStore(subscribe, () => rows.filter(isRunning).length);
