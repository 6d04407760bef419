import { useQueryClient } from '@tanstack/react-query';
import { useCallback, useEffect, useRef, useState } from 'react';
import { changeVideo } from '../api/videos.ts';
import { changeRow, type Draft, type UploadRow } from './upload-store.ts';

const pauseMs = 700;

/** How far what was typed is kept: `failed` carries why in `error`. */
export interface Saving {
  readonly state: 'idle' | 'saving' | 'saved' | 'failed';
  readonly error: unknown;
}

/** Keeps what the person says of a video: at once in the row, and by PATCH soon after the last key once the video exists. */
export function useDraft({ rowId, videoId, draft }: UploadRow): {
  readonly saving: Saving;
  readonly change: (part: Partial<Draft>) => void;
  readonly flush: () => void;
} {
  const client = useQueryClient();
  const [saving, setSaving] = useState<Saving>({ state: 'idle', error: undefined });
  const unsaved = useRef<Partial<Draft>>({});
  const timer = useRef<number>(undefined);
  const target = useRef(videoId);

  const flush = useCallback(() => {
    window.clearTimeout(timer.current);
    const { title, ...rest } = unsaved.current;
    const body = title === undefined || title.trim() === '' ? rest : { ...rest, title: title.trim() };
    const to = target.current;
    if (to === undefined || Object.keys(body).length === 0) return;
    unsaved.current = {};
    setSaving({ state: 'saving', error: undefined });
    changeVideo(to, body, '*').then(
      () => {
        setSaving({ state: 'saved', error: undefined });
        void client.invalidateQueries({ queryKey: ['video-list'] });
      },
      (error: unknown) => {
        unsaved.current = { ...body, ...unsaved.current };
        setSaving({ state: 'failed', error });
      },
    );
  }, [client]);

  const change = (part: Partial<Draft>): void => {
    unsaved.current = { ...unsaved.current, ...part };
    changeRow(rowId, { draft: { ...draft, ...part } });
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(flush, pauseMs);
  };

  useEffect(() => {
    target.current = videoId;
    if (videoId !== undefined) flush(); // What was typed while the video was being made.
  }, [videoId, flush]);
  useEffect(() => flush, [flush]);
  return { saving, change, flush };
}
