import type { Video } from '@kinora/contracts';
import { useInfiniteQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Clapperboard, Pencil, Trash2 } from 'lucide-react';
import { useState, type ReactNode } from 'react';
import { myVideosQuery } from '../api/videos.ts';
import { buttonClass, IconButton } from '../components/Button.tsx';
import { DeleteVideoDialog } from '../components/DeleteVideoDialog.tsx';
import { EditVideoDialog } from '../components/EditVideoDialog.tsx';
import { Notice } from '../components/Notice.tsx';
import { PageTitle } from '../components/PageTitle.tsx';
import { OwnVideoCard } from '../components/VideoCard.tsx';
import { VideoGrid } from '../components/VideoGrid.tsx';
import { useText } from '../i18n/settings.ts';
import styles from './page.module.css';

/** The videos of whoever is signed in, in every state, to edit and delete. */
export function MyVideosPage(): ReactNode {
  const { t } = useText();
  const list = useInfiniteQuery(myVideosQuery);
  const [open, setOpen] = useState<{ readonly dialog: 'edit' | 'delete'; readonly video: Video }>();
  const close = (): void => setOpen(undefined);
  const card = (video: Video): ReactNode => (
    <OwnVideoCard video={video}>
      <IconButton label={t.videos.editNamed(video.title)} data-test="edit-video" onClick={() => setOpen({ dialog: 'edit', video })}>
        <Pencil size={20} aria-hidden="true" />
      </IconButton>
      <IconButton label={t.videos.deleteNamed(video.title)} data-test="delete-video" onClick={() => setOpen({ dialog: 'delete', video })}>
        <Trash2 size={20} aria-hidden="true" />
      </IconButton>
    </OwnVideoCard>
  );
  const empty = (
    <Notice icon={Clapperboard} heading="h2" title={t.videos.empty} test="my-videos-empty">
      <Link to="/upload" className={buttonClass('primary')}>
        {t.videos.emptyAction}
      </Link>
    </Notice>
  );
  return (
    <div className={styles['stack']}>
      <PageTitle>{t.videos.title}</PageTitle>
      <VideoGrid list={list} empty={empty} card={card} />
      {open?.dialog === 'edit' && <EditVideoDialog video={open.video} onClose={close} />}
      {open?.dialog === 'delete' && <DeleteVideoDialog video={open.video} onClose={close} />}
    </div>
  );
}
