import type { Video } from '@kinora/contracts';
import { useNavigate } from '@tanstack/react-router';
import { Pencil, Trash2 } from 'lucide-react';
import { useLayoutEffect, useRef, useState, type ReactNode } from 'react';
import { Button } from '../components/Button.tsx';
import { CopyLink } from '../components/CopyLink.tsx';
import { DeleteVideoDialog } from '../components/DeleteVideoDialog.tsx';
import { EditVideoDialog } from '../components/EditVideoDialog.tsx';
import { useTitle } from '../components/PageTitle.tsx';
import { formatAge } from '../format/age.ts';
import { useNow } from '../format/use-now.ts';
import { useText } from '../i18n/settings.ts';
import styles from './WatchPage.module.css';

/** The description, folded to three lines when it is longer. */
function Description({ text }: { readonly text: string }): ReactNode {
  const { t } = useText();
  const box = useRef<HTMLParagraphElement>(null);
  const [isLong, setIsLong] = useState(false);
  const [isOpen, setIsOpen] = useState(false);
  useLayoutEffect(() => {
    const element = box.current;
    if (element && !isOpen) setIsLong(element.scrollHeight > element.clientHeight + 1);
  }, [text, isOpen]);
  if (text.trim() === '') return null;
  return (
    <div className={styles['description']} data-test="video-description">
      <p ref={box} className={isOpen ? undefined : styles['folded']}>
        {text}
      </p>
      {isLong && (
        <Button kind="quiet" aria-expanded={isOpen} onClick={() => setIsOpen(!isOpen)} style={{ marginInlineStart: '-1rem' }}>
          {isOpen ? t.watch.less : t.watch.more}
        </Button>
      )}
    </div>
  );
}

function OwnerActions({ video }: { readonly video: Video }): ReactNode {
  const { t } = useText();
  const navigate = useNavigate();
  const [open, setOpen] = useState<'edit' | 'delete'>();
  const close = (): void => setOpen(undefined);
  return (
    <>
      <Button onClick={() => setOpen('edit')} aria-label={t.common.edit} data-test="edit-video">
        <Pencil size={20} aria-hidden="true" />
        <span className={styles['word']}>{t.common.edit}</span>
      </Button>
      <Button onClick={() => setOpen('delete')} aria-label={t.common.delete} data-test="delete-video">
        <Trash2 size={20} aria-hidden="true" />
        <span className={styles['word']}>{t.common.delete}</span>
      </Button>
      {open === 'edit' && <EditVideoDialog video={video} onClose={close} />}
      {open === 'delete' && <DeleteVideoDialog video={video} onClose={close} onDeleted={() => void navigate({ to: '/my-videos' })} />}
    </>
  );
}

/** Title, facts, actions and description of the video that plays. */
export function VideoAbout({ video, isOwner }: { readonly video: Video; readonly isOwner: boolean }): ReactNode {
  const { t, language } = useText();
  const now = useNow();
  useTitle(video.title);
  const views = t.video.views(video.viewCount, new Intl.NumberFormat(language).format(video.viewCount));
  const facts = [views, formatAge(video.publishedAt ?? video.createdAt, now, language)];
  if (video.visibility !== 'public') facts.push(t.visibility[video.visibility]);
  return (
    <div className={styles['about']}>
      <h1 data-test="video-title">{video.title}</h1>
      <div className={styles['line']}>
        <p className={styles['facts']}>
          <strong>{video.ownerName}</strong> · {facts.join(' · ')}
        </p>
        <div className={styles['actions']}>
          <CopyLink videoId={video.videoId} />
          {isOwner && <OwnerActions video={video} />}
        </div>
      </div>
      <Description text={video.description} />
    </div>
  );
}
