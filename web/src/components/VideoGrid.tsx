import type { Video, VideoPage } from '@kinora/contracts';
import type { InfiniteData, UseInfiniteQueryResult } from '@tanstack/react-query';
import { useEffect, useRef, type CSSProperties, type ReactNode } from 'react';
import { useText } from '../i18n/settings.ts';
import { Alert } from './Alert.tsx';
import { Button } from './Button.tsx';
import { ErrorNotice } from './Notice.tsx';
import styles from './VideoGrid.module.css';

/** Cards that stand for videos while they are loaded. */
export function GridSkeleton({ count = 12 }: { readonly count?: number }): ReactNode {
  const { t } = useText();
  const width = (size: string): CSSProperties => ({ inlineSize: size });
  return (
    <div className={styles['grid']} role="status" aria-label={t.common.loading} data-test="grid-skeleton">
      {Array.from({ length: count }, (_, index) => (
        <div key={index} className={styles['card']}>
          <span className={`${styles['still']} ${styles['skeleton']}`} />
          <span className={`${styles['line']} ${styles['skeleton']}`} style={width('85%')} />
          <span className={`${styles['line']} ${styles['skeleton']}`} style={width('55%')} />
        </div>
      ))}
    </div>
  );
}

/** Calls `onReach` whenever the end of the list comes near the window. */
function End({ onReach }: { readonly onReach: () => void }): ReactNode {
  const mark = useRef<HTMLDivElement>(null);
  const reach = useRef(onReach);
  useEffect(() => {
    reach.current = onReach;
  });
  useEffect(() => {
    if (!mark.current) return undefined;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && reach.current(), {
      rootMargin: '600px',
    });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, []);
  return <div ref={mark} />;
}

interface Props {
  readonly list: UseInfiniteQueryResult<InfiniteData<VideoPage, unknown>>;
  readonly empty: ReactNode;
  readonly card: (video: Video) => ReactNode;
}

/** Videos page by page: skeletons first, more as the end comes near or by the button, and a way on after an error. */
export function VideoGrid({ list, empty, card }: Props): ReactNode {
  const { t } = useText();
  if (list.isPending) return <GridSkeleton />;
  if (!list.data) return <ErrorNotice error={list.error} onRetry={() => void list.refetch()} />;
  const videos = list.data.pages.flatMap((page) => page.items);
  if (videos.length === 0) return empty;
  const loadMore = (): void => {
    if (list.hasNextPage && !list.isFetching) void list.fetchNextPage();
  };
  return (
    <>
      <ul className={styles['grid']} data-test="video-grid">
        {videos.map((video) => (
          <li key={video.videoId}>{card(video)}</li>
        ))}
      </ul>
      <div className={styles['more']}>
        {list.isFetchNextPageError && <Alert error={list.error} />}
        {list.hasNextPage ? (
          <>
            {!list.isFetchNextPageError && <End key={videos.length} onReach={loadMore} />}
            <Button onClick={() => void list.fetchNextPage()} disabled={list.isFetchingNextPage} data-test="load-more">
              {list.isFetchingNextPage ? t.home.loadingMore : t.home.more}
            </Button>
          </>
        ) : (
          list.data.pages.length > 1 && <p>{t.home.end}</p>
        )}
      </div>
    </>
  );
}
