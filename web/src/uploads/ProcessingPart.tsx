import type { Video } from '@kinora/contracts';
import { Link } from '@tanstack/react-router';
import { Check, CircleAlert, Play } from 'lucide-react';
import type { ReactNode } from 'react';
import { buttonClass } from '../components/Button.tsx';
import { CopyLink, videoAddress } from '../components/CopyLink.tsx';
import { preparingSentence } from '../components/preparing.ts';
import { Progress } from '../components/Progress.tsx';
import { useText } from '../i18n/settings.ts';
import styles from './UploadRow.module.css';

function Steps({ video }: { readonly video: Video }): ReactNode {
  const { t } = useText();
  const done = video.asset?.stepsDone ?? [];
  if (done.length === 0) return null;
  return (
    <ul className={styles['steps']} aria-label={t.upload.steps} data-test="processing-steps">
      {done.map((step) => (
        <li key={step} data-test={`step-${step}`}>
          <Check size={16} aria-hidden="true" />
          {t.steps[step]}
        </li>
      ))}
    </ul>
  );
}

/** What becomes of an uploaded file: its steps as they happen, then the link to share. */
export function ProcessingPart({ video, name }: { readonly video: Video; readonly name: string }): ReactNode {
  const { t, language } = useText();
  const { asset } = video;
  if (asset?.state === 'failed') {
    return (
      <p className={styles['bad']} role="alert" data-test="upload-asset-failed">
        <CircleAlert size={16} aria-hidden="true" />
        {asset.failure ? t.failures[asset.failure.reason] : t.states.failed}
      </p>
    );
  }
  const isWatchable = asset?.state === 'watchable' || asset?.state === 'ready';
  return (
    <>
      {asset?.state !== 'ready' && <Progress value={asset?.progress ?? 0} label={t.upload.progress(name)} />}
      <p className={styles['note']} role="status" data-test="processing-note" data-state={asset?.state ?? 'waiting'}>
        {asset?.state === 'ready' ? t.progress.ready : (preparingSentence(asset, t, language) ?? t.upload.processing)}
      </p>
      <Steps video={video} />
      {isWatchable && (
        <div className={styles['link']} data-test="upload-link">
          <span className={styles['address']}>{videoAddress(video.videoId)}</span>
          <CopyLink videoId={video.videoId} />
          <Link to="/watch/$videoId" params={{ videoId: video.videoId }} className={buttonClass('primary')} data-test="upload-watch">
            <Play size={20} aria-hidden="true" />
            {t.upload.open}
          </Link>
        </div>
      )}
    </>
  );
}
