import { useQuery } from '@tanstack/react-query';
import { Pause, Play, X } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { videoQuery } from '../api/videos.ts';
import { Alert } from '../components/Alert.tsx';
import { Button, IconButton } from '../components/Button.tsx';
import { Dialog } from '../components/Dialog.tsx';
import { useText } from '../i18n/settings.ts';
import { DraftPart } from './DraftPart.tsx';
import { FileStill } from './FileStill.tsx';
import { ProcessingPart } from './ProcessingPart.tsx';
import { TransferPart } from './TransferPart.tsx';
import { cancel, dismiss, pause, resume } from './upload-queue.ts';
import type { UploadRow } from './upload-store.ts';
import styles from './UploadRow.module.css';

const askAgainMs = 8_000;

function CancelDialog({ row, onClose }: { readonly row: UploadRow; readonly onClose: () => void }): ReactNode {
  const { t } = useText();
  const [error, setError] = useState<unknown>();
  const [isBusy, setIsBusy] = useState(false);
  const confirm = (): void => {
    setIsBusy(true);
    cancel(row.rowId).catch((thrown: unknown) => {
      setError(thrown);
      setIsBusy(false);
    });
  };
  const actions = (
    <>
      <Button onClick={onClose} autoFocus>
        {t.upload.keep}
      </Button>
      <Button kind="danger" disabled={isBusy} onClick={confirm} data-test="confirm-cancel">
        {t.upload.cancel}
      </Button>
    </>
  );
  return (
    <Dialog title={t.upload.cancelTitle} test="cancel-dialog" onClose={onClose} actions={actions}>
      <p>{t.upload.cancelText(row.draft.title)}</p>
      {error !== undefined && <Alert error={error} />}
    </Dialog>
  );
}

function Actions({ row }: { readonly row: UploadRow }): ReactNode {
  const { t } = useText();
  const [isAsking, setIsAsking] = useState(false);
  const { rowId, state, videoId } = row;
  const isOver = state === 'sent' || state === 'refused' || (state === 'failed' && videoId === undefined);
  return (
    <div className={styles['actions']}>
      {(state === 'sending' || state === 'stalled') && (
        <IconButton label={t.upload.pause} onClick={() => void pause(rowId)} data-test="upload-pause">
          <Pause size={20} aria-hidden="true" />
        </IconButton>
      )}
      {state === 'paused' && (
        <IconButton label={t.upload.resume} onClick={() => resume(rowId)} data-test="upload-resume">
          <Play size={20} aria-hidden="true" />
        </IconButton>
      )}
      <IconButton
        label={isOver ? t.upload.remove : t.upload.cancel}
        onClick={() => (isOver ? dismiss(rowId) : setIsAsking(true))}
        data-test={isOver ? 'upload-remove' : 'upload-cancel'}
      >
        <X size={20} aria-hidden="true" />
      </IconButton>
      {isAsking && <CancelDialog row={row} onClose={() => setIsAsking(false)} />}
    </div>
  );
}

/** One file: its still, its progress, its processing, and what the person says of it. */
export function UploadRowCard({ row }: { readonly row: UploadRow }): ReactNode {
  const isSent = row.state === 'sent';
  const { data: video } = useQuery({
    ...videoQuery(row.videoId ?? ''),
    enabled: isSent && row.videoId !== undefined,
    // The stream tells of every change; asking is for when it is cut.
    refetchInterval: ({ state }) => (state.data?.asset?.state === 'ready' || state.data?.asset?.state === 'failed' ? false : askAgainMs),
  });
  const hasForm = row.state !== 'refused' && row.state !== 'interrupted';
  return (
    <article className={styles['row']} data-test="upload-row" data-state={row.state} data-video-id={row.videoId}>
      <FileStill posterUrl={video?.posterUrl} file={row.file} />
      <div className={styles['head']}>
        <div className={styles['top']}>
          <h2 className={styles['name']}>{row.filename}</h2>
          <Actions row={row} />
        </div>
        {isSent && video ? <ProcessingPart video={video} name={row.filename} /> : <TransferPart row={row} />}
      </div>
      {hasForm && <DraftPart row={row} />}
    </article>
  );
}
