import { CircleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { requestIdOf, sentenceOf } from '../api/sentence.ts';
import { Button } from '../components/Button.tsx';
import { Progress } from '../components/Progress.tsx';
import { formatBytes, formatRate } from '../format/bytes.ts';
import { formatRemaining, roundRemaining } from '../format/remaining.ts';
import { useText } from '../i18n/settings.ts';
import { FilePicker } from './FilePicker.tsx';
import { secondsLeft } from './transfer-rate.ts';
import { continueWith, resume } from './upload-queue.ts';
import type { UploadRow } from './upload-store.ts';
import styles from './UploadRow.module.css';

function Facts({ row }: { readonly row: UploadRow }): ReactNode {
  const { t, language } = useText();
  const { bytesSent, bytesTotal, bytesPerSecond, state } = row;
  const total = formatBytes(bytesTotal, language);
  if (state === 'refused') return <p className={styles['facts']}>{total}</p>;
  const left = state === 'sending' ? roundRemaining(secondsLeft(bytesSent, bytesTotal, bytesPerSecond)) : undefined;
  const percent = new Intl.NumberFormat(language, { style: 'percent' }).format(
    bytesTotal > 0 ? Math.floor((bytesSent / bytesTotal) * 100) / 100 : 0,
  );
  return (
    <p className={styles['facts']} data-test="upload-facts">
      {state === 'queued' && <span>{t.upload.queued}</span>}
      {state === 'starting' && <span>{t.upload.starting}</span>}
      {state === 'paused' && <span>{t.upload.paused}</span>}
      {state === 'interrupted' && <span>{t.upload.interruptedAt(percent)}</span>}
      {state === 'sending' && <span>{percent}</span>}
      <span>{bytesSent > 0 ? t.upload.sent(formatBytes(bytesSent, language), total) : total}</span>
      {state === 'sending' && bytesPerSecond !== undefined && bytesPerSecond > 0 && <span>{formatRate(bytesPerSecond, language)}</span>}
      {left !== undefined && <span>{t.upload.left(formatRemaining(left, language))}</span>}
    </p>
  );
}

function Fault({ row }: { readonly row: UploadRow }): ReactNode {
  const { t, language } = useText();
  const { refusal, state, error, filename } = row;
  const requestId = state === 'failed' ? requestIdOf(error) : undefined;
  const sentence =
    refusal === 'otherFile'
      ? t.upload.otherFile(filename, formatBytes(row.bytesTotal, language))
      : refusal !== undefined
        ? t.upload[refusal]
        : state === 'failed'
          ? sentenceOf(error, t)
          : undefined;
  if (sentence === undefined) return null;
  return (
    <div className={styles['bad']} role="alert" data-test="upload-fault">
      <CircleAlert size={16} aria-hidden="true" />
      <span>
        {sentence}
        {requestId !== undefined && <small> {t.common.request(requestId)}</small>}
      </span>
    </div>
  );
}

/** How far the bytes of a file are, and what is needed to go on. */
export function TransferPart({ row }: { readonly row: UploadRow }): ReactNode {
  const { t } = useText();
  const { rowId, state, filename, bytesSent, bytesTotal } = row;
  const isStill = state === 'paused' || state === 'stalled' || state === 'interrupted' || state === 'failed';
  return (
    <>
      {state !== 'refused' && (
        <Progress
          value={bytesTotal > 0 ? bytesSent / bytesTotal : 0}
          label={t.upload.progress(filename)}
          tone={isStill ? 'still' : 'accent'}
        />
      )}
      <Facts row={row} />
      {state === 'stalled' && (
        <p className={styles['note']} role="status">
          {t.upload.stalled}
        </p>
      )}
      <Fault row={row} />
      {state === 'failed' && row.refusal === undefined && (
        <div>
          <Button onClick={() => resume(rowId)} data-test="upload-retry">
            {t.common.retry}
          </Button>
        </div>
      )}
      {state === 'interrupted' && (
        <>
          <p className={styles['note']}>{t.upload.interrupted(filename)}</p>
          <FilePicker
            test="resume-file"
            multiple={false}
            kind="primary"
            label={t.upload.pickAgain}
            onFiles={([file]) => file && continueWith(rowId, file)}
          />
        </>
      )}
    </>
  );
}
