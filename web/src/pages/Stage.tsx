import type { Asset, Video } from '@kinora/contracts';
import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { CircleAlert, Clapperboard, Upload } from 'lucide-react';
import { lazy, Suspense, useEffect, useState, type ReactNode } from 'react';
import { isProblem } from '../api/client.ts';
import { requestIdOf, sentenceOf } from '../api/sentence.ts';
import { playbackQuery } from '../api/videos.ts';
import { Button, buttonClass } from '../components/Button.tsx';
import { preparingSentence } from '../components/preparing.ts';
import { Progress } from '../components/Progress.tsx';
import { formatClock } from '../format/duration.ts';
import { useText } from '../i18n/settings.ts';
import styles from './WatchPage.module.css';

const Player = lazy(async () => ({ default: (await import('../player/Player.tsx')).Player }));

function Waiting({ isOwner }: { readonly isOwner: boolean }): ReactNode {
  const { t } = useText();
  return (
    <div className={styles['box']} data-test="stage-waiting">
      <Upload size={36} strokeWidth={1.5} aria-hidden="true" />
      <h2>{t.watch.waitingTitle}</h2>
      <p>{isOwner ? t.watch.waitingOwner : t.watch.waitingViewer}</p>
      {isOwner && (
        <Link to="/upload" className={buttonClass('primary')}>
          {t.watch.toUpload}
        </Link>
      )}
    </div>
  );
}

function Processing({ asset }: { readonly asset: Asset | undefined }): ReactNode {
  const { t, language } = useText();
  return (
    <div className={styles['box']} role="status" data-test="stage-processing">
      <Clapperboard size={36} strokeWidth={1.5} aria-hidden="true" />
      <h2>{t.watch.processingTitle}</h2>
      <p>{preparingSentence(asset, t, language) ?? t.problems['not-watchable']}</p>
      <div className={styles['meter']}>
        <Progress value={asset?.progress ?? 0} label={t.upload.processing} />
      </div>
    </div>
  );
}

function Failed({ asset, isOwner }: { readonly asset: Asset; readonly isOwner: boolean }): ReactNode {
  const { t } = useText();
  return (
    <div className={styles['box']} data-test="stage-failed">
      <CircleAlert size={36} strokeWidth={1.5} aria-hidden="true" />
      <h2>{t.watch.failedTitle}</h2>
      {asset.failure && <p>{t.failures[asset.failure.reason]}</p>}
      {isOwner && (
        <Link to="/upload" className={buttonClass('primary')}>
          {t.watch.uploadAgain}
        </Link>
      )}
    </div>
  );
}

function PlaybackFailed({ error, onRetry }: { readonly error: unknown; readonly onRetry: () => void }): ReactNode {
  const { t } = useText();
  const requestId = requestIdOf(error);
  return (
    <div className={styles['box']} role="alert" data-test="stage-error">
      <CircleAlert size={36} strokeWidth={1.5} aria-hidden="true" />
      <h2>{sentenceOf(error, t)}</h2>
      <Button kind="primary" onClick={onRetry}>
        {t.common.retry}
      </Button>
      {requestId !== undefined && <p>{t.common.request(requestId)}</p>}
    </div>
  );
}

function PreparingLine({ asset, availableSeconds }: { readonly asset: Asset; readonly availableSeconds: number | undefined }): ReactNode {
  const { t, language } = useText();
  const sentence = preparingSentence(asset, t, language);
  if (sentence === undefined) return null;
  const total = asset.durationSeconds;
  const isGrowing = total !== undefined && availableSeconds !== undefined && availableSeconds < total - 2;
  return (
    <div className={styles['preparing']} data-test="preparing">
      <p>
        {sentence}{' '}
        {isGrowing && (
          <span className={styles['quiet']}>{t.progress.availableUntil(formatClock(availableSeconds), formatClock(total))}</span>
        )}
      </p>
      <Progress value={asset.progress} label={t.upload.processing} />
    </div>
  );
}

function Watchable({ video, asset }: { readonly video: Video; readonly asset: Asset }): ReactNode {
  const client = useQueryClient();
  const { videoId } = video;
  const { data: playback, error, refetch } = useQuery(playbackQuery(videoId));
  const [availableSeconds, setAvailableSeconds] = useState<number>();
  const lacksStoryboard = playback !== undefined && playback.storyboardUrl === undefined && asset.hasStoryboard;
  useEffect(() => {
    if (lacksStoryboard) void client.invalidateQueries({ queryKey: ['playback', videoId] });
  }, [client, lacksStoryboard, videoId]);
  const blank = <div className={`${styles['box']} ${styles['pulse']}`} data-test="stage-loading" />;
  return (
    <>
      <div className={styles['stage']}>
        {playback ? (
          <Suspense fallback={blank}>
            <Player
              title={video.title}
              playback={playback}
              asset={asset}
              posterUrl={playback.posterUrl ?? video.posterUrl}
              onExpired={() => void refetch()}
              onAvailable={setAvailableSeconds}
            />
          </Suspense>
        ) : error && !isProblem(error, 'not-watchable') ? (
          <PlaybackFailed error={error} onRetry={() => void refetch()} />
        ) : error ? (
          <Processing asset={asset} />
        ) : (
          blank
        )}
      </div>
      <PreparingLine asset={asset} availableSeconds={availableSeconds} />
    </>
  );
}

/** What stands where the video plays: the player, or why there is none yet. */
export function Stage({ video, isOwner }: { readonly video: Video; readonly isOwner: boolean }): ReactNode {
  const { asset } = video;
  if (asset?.state === 'watchable' || asset?.state === 'ready') return <Watchable video={video} asset={asset} />;
  return (
    <div className={styles['stage']}>
      {asset === undefined || asset.state === 'waiting' ? (
        <Waiting isOwner={isOwner} />
      ) : asset.state === 'failed' ? (
        <Failed asset={asset} isOwner={isOwner} />
      ) : (
        <Processing asset={asset} />
      )}
    </div>
  );
}
