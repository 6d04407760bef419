import type { Asset, Video } from '@kinora/contracts';
import { Link } from '@tanstack/react-router';
import { CircleAlert, CircleCheck, Film, LoaderCircle, Lock, Upload } from 'lucide-react';
import type { CSSProperties, ReactNode } from 'react';
import { formatAge } from '../format/age.ts';
import { useNow } from '../format/use-now.ts';
import { formatClock, isoDuration } from '../format/duration.ts';
import { useText } from '../i18n/settings.ts';
import styles from './VideoGrid.module.css';

function Still({ video, withProgress = false }: { readonly video: Video; readonly withProgress?: boolean }): ReactNode {
  const { t } = useText();
  const seconds = video.asset?.durationSeconds;
  const isUnderway = withProgress && (video.asset?.state === 'processing' || video.asset?.state === 'watchable');
  return (
    <div className={styles['still']}>
      {video.posterUrl !== undefined ? (
        <img src={video.posterUrl} alt="" loading="lazy" decoding="async" width={640} height={360} />
      ) : (
        <span className={styles['blank']} title={t.video.noPoster}>
          <Film size={28} strokeWidth={1.5} aria-hidden="true" />
        </span>
      )}
      {seconds !== undefined && (
        <time className={styles['duration']} dateTime={isoDuration(seconds)}>
          {formatClock(seconds)}
        </time>
      )}
      {isUnderway && (
        <span className={styles['bar']} style={{ '--value': video.asset?.progress } as CSSProperties}>
          <span />
        </span>
      )}
    </div>
  );
}

function About({ video, withOwner }: { readonly video: Video; readonly withOwner: boolean }): ReactNode {
  const { t, language } = useText();
  const now = useNow();
  const views = new Intl.NumberFormat(language, { notation: 'compact', maximumFractionDigits: 1 }).format(video.viewCount);
  const facts = [
    ...(withOwner ? [video.ownerName] : video.visibility === 'public' ? [] : [t.visibility[video.visibility]]),
    t.video.views(video.viewCount, views),
    formatAge(video.publishedAt ?? video.createdAt, now, language),
  ];
  return <p className={styles['about']}>{facts.join(' · ')}</p>;
}

/** A video as the home page shows it. */
export function VideoCard({ video }: { readonly video: Video }): ReactNode {
  return (
    <article className={styles['card']} data-test="video-card" data-video-id={video.videoId}>
      <Still video={video} />
      <div className={styles['words']}>
        <h2 className={styles['title']}>
          <Link to="/watch/$videoId" params={{ videoId: video.videoId }}>
            {video.title}
          </Link>
        </h2>
        <About video={video} withOwner />
      </div>
    </article>
  );
}

function StateLine({ asset, visibility }: { readonly asset: Asset | undefined; readonly visibility: Video['visibility'] }): ReactNode {
  const { t, language } = useText();
  const percent = new Intl.NumberFormat(language, { style: 'percent' }).format(asset?.progress ?? 0);
  const state = asset?.state;
  const icon = { size: 16, 'aria-hidden': true } as const;
  const [tone, symbol, words] =
    state === undefined
      ? ['warn', <Upload key="i" {...icon} />, t.states.noFile]
      : state === 'ready'
        ? ['good', visibility === 'private' ? <Lock key="i" {...icon} /> : <CircleCheck key="i" {...icon} />, t.states.ready]
        : state === 'failed'
          ? ['bad', <CircleAlert key="i" {...icon} />, asset?.failure ? t.failures[asset.failure.reason] : t.states.failed]
          : state === 'waiting'
            ? ['warn', <LoaderCircle key="i" {...icon} />, t.states.waiting]
            : ['warn', <LoaderCircle key="i" {...icon} />, t.states[state](percent)];
  return (
    <p className={[styles['state'], styles[tone]].join(' ')} data-test="video-state" data-state={state ?? 'no-file'}>
      {symbol}
      <span className={state === 'ready' ? styles['calm'] : undefined}>{words}</span>
    </p>
  );
}

/** A video as its owner's page shows it: with its state and what can be done with it. */
export function OwnVideoCard({ video, children }: { readonly video: Video; readonly children: ReactNode }): ReactNode {
  return (
    <article className={styles['card']} data-test="own-video" data-video-id={video.videoId}>
      <Still video={video} withProgress />
      <div className={styles['row']}>
        <div className={styles['words']}>
          <h2 className={styles['title']}>
            <Link to="/watch/$videoId" params={{ videoId: video.videoId }}>
              {video.title}
            </Link>
          </h2>
          <About video={video} withOwner={false} />
          <StateLine asset={video.asset} visibility={video.visibility} />
        </div>
        <div className={styles['actions']}>{children}</div>
      </div>
    </article>
  );
}
