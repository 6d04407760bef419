import type { Video } from '@kinora/contracts';
import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { VideoOff } from 'lucide-react';
import type { ReactNode } from 'react';
import { meQuery } from '../api/accounts.ts';
import { isProblem } from '../api/client.ts';
import { videoQuery } from '../api/videos.ts';
import { buttonClass } from '../components/Button.tsx';
import { ErrorNotice, Notice } from '../components/Notice.tsx';
import { useTitle } from '../components/PageTitle.tsx';
import { useText } from '../i18n/settings.ts';
import { Stage } from './Stage.tsx';
import { VideoAbout } from './VideoAbout.tsx';
import styles from './WatchPage.module.css';

const askAgainMs = 5_000;

const isSettled = (video: Video | undefined): boolean => video?.asset?.state === 'ready' || video?.asset?.state === 'failed';

function Missing({ videoId, isSignedIn }: { readonly videoId: string; readonly isSignedIn: boolean }): ReactNode {
  const { t } = useText();
  useTitle(t.watch.missingTitle);
  return (
    <Notice
      icon={VideoOff}
      title={t.watch.missingTitle}
      text={isSignedIn ? t.watch.missingText : `${t.watch.missingText} ${t.watch.missingSignIn}`}
      test="video-missing"
    >
      {!isSignedIn && (
        <Link to="/sign-in" search={{ to: `/watch/${videoId}` }} className={buttonClass('primary')}>
          {t.nav.signIn}
        </Link>
      )}
      <Link to="/" className={buttonClass(isSignedIn ? 'primary' : 'plain')}>
        {t.common.home}
      </Link>
    </Notice>
  );
}

function Skeleton(): ReactNode {
  const { t } = useText();
  return (
    <div className={styles['page']} role="status" aria-label={t.common.loading} data-test="watch-skeleton">
      <div className={styles['stage']}>
        <div className={styles['box']} />
      </div>
      <div className={styles['about']}>
        <span className={styles['bone']} style={{ blockSize: '1.75rem', inlineSize: '60%' }} />
        <span className={styles['bone']} style={{ blockSize: '1.25rem', inlineSize: '35%' }} />
      </div>
    </div>
  );
}

function Watch({ videoId }: { readonly videoId: string }): ReactNode {
  const { data: me } = useQuery(meQuery);
  // The stream tells of every change; asking again is for viewers it does not serve and for when it is cut.
  const query = useQuery({
    ...videoQuery(videoId),
    refetchInterval: ({ state }) => (state.data && !isSettled(state.data) ? askAgainMs : false),
  });
  const isOwner = query.data !== undefined && me?.accountId === query.data.ownerId;
  if (isProblem(query.error, 'not-found')) return <Missing videoId={videoId} isSignedIn={Boolean(me)} />;
  if (query.isPending) return <Skeleton />;
  if (!query.data) return <ErrorNotice heading="h1" error={query.error} onRetry={() => void query.refetch()} />;
  return (
    <div className={styles['page']} data-test="watch-page" data-state={query.data.asset?.state ?? 'no-file'}>
      <Stage video={query.data} isOwner={isOwner} />
      <VideoAbout video={query.data} isOwner={isOwner} />
    </div>
  );
}

/** Plays one video, from the first second that can be watched on, and tells what it is. */
export function WatchPage(): ReactNode {
  const { videoId } = useParams({ from: '/watch/$videoId' });
  return <Watch key={videoId} videoId={videoId} />;
}
