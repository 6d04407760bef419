import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Clapperboard } from 'lucide-react';
import type { ReactNode } from 'react';
import { meQuery } from '../api/accounts.ts';
import { newestQuery } from '../api/videos.ts';
import { buttonClass } from '../components/Button.tsx';
import { Notice } from '../components/Notice.tsx';
import { PageTitle } from '../components/PageTitle.tsx';
import { VideoCard } from '../components/VideoCard.tsx';
import { VideoGrid } from '../components/VideoGrid.tsx';
import { useText } from '../i18n/settings.ts';
import styles from './page.module.css';

/** Everybody's videos, newest first. */
export function HomePage(): ReactNode {
  const { t } = useText();
  const { data: me } = useQuery(meQuery);
  const list = useInfiniteQuery(newestQuery);
  const empty = (
    <Notice icon={Clapperboard} heading="h2" title={t.home.empty} test="home-empty">
      {me ? (
        <Link to="/upload" className={buttonClass('primary')}>
          {t.home.emptyAction}
        </Link>
      ) : (
        <Link to="/sign-in" search={{ to: '/upload' }} className={buttonClass('primary')}>
          {t.home.emptySignIn}
        </Link>
      )}
    </Notice>
  );
  return (
    <div className={styles['stack']}>
      <PageTitle>{t.home.title}</PageTitle>
      <VideoGrid list={list} empty={empty} card={(video) => <VideoCard video={video} />} />
    </div>
  );
}
