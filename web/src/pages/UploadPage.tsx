import { useQuery } from '@tanstack/react-query';
import { CloudUpload, EyeIcon } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { meQuery } from '../api/accounts.ts';
import { Notice } from '../components/Notice.tsx';
import { PageTitle } from '../components/PageTitle.tsx';
import { useText } from '../i18n/settings.ts';
import { FilePicker } from '../uploads/FilePicker.tsx';
import { lastVisibility } from '../uploads/last-visibility.ts';
import { addFiles, openQueue } from '../uploads/upload-queue.ts';
import { useUploadRows } from '../uploads/upload-store.ts';
import { UploadRowCard } from '../uploads/UploadRowCard.tsx';
import styles from './UploadPage.module.css';

const begin = (files: readonly File[]): void => addFiles(files, lastVisibility());

const holdsFiles = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') === true;

/** Takes files dropped anywhere on the page; true while some are held over it. */
function useDrop(): boolean {
  const [isOver, setIsOver] = useState(false);
  useEffect(() => {
    let depth = 0; // Each element entered sends an event of its own.
    const onEnter = (event: DragEvent): void => {
      if (holdsFiles(event)) setIsOver((depth += 1) > 0);
    };
    const onLeave = (event: DragEvent): void => {
      if (holdsFiles(event)) setIsOver((depth -= 1) > 0);
    };
    const onOver = (event: DragEvent): void => {
      if (holdsFiles(event)) event.preventDefault();
    };
    const onDrop = (event: DragEvent): void => {
      event.preventDefault();
      depth = 0;
      setIsOver(false);
      begin([...(event.dataTransfer?.files ?? [])]);
    };
    const listeners = { dragenter: onEnter, dragleave: onLeave, dragover: onOver, drop: onDrop };
    for (const [name, listener] of Object.entries(listeners)) window.addEventListener(name, listener as EventListener);
    return () => {
      for (const [name, listener] of Object.entries(listeners)) window.removeEventListener(name, listener as EventListener);
    };
  }, []);
  return isOver;
}

function UploadArea({ accountId }: { readonly accountId: string }): ReactNode {
  const { t } = useText();
  const rows = useUploadRows();
  const isOver = useDrop();
  useEffect(() => void openQueue(accountId), [accountId]);
  const hasRows = rows.length > 0;
  return (
    <>
      <div className={[styles['drop'], hasRows ? styles['small'] : '', isOver ? styles['over'] : ''].join(' ')} data-test="drop-area">
        <CloudUpload size={hasRows ? 24 : 44} strokeWidth={1.5} aria-hidden="true" />
        <p className={styles['call']}>
          <span className={styles['mouse']}>{isOver ? t.upload.dropHere : t.upload.drop}</span>
          <span className={styles['touch']}>{t.upload.pick}</span>
        </p>
        <FilePicker
          test="choose-files"
          multiple
          kind={hasRows ? 'plain' : 'primary'}
          label={hasRows ? t.upload.more : t.upload.choose}
          onFiles={begin}
        />
        <p className={styles['hint']}>{t.upload.hint}</p>
      </div>
      <ul className={styles['list']} data-test="upload-list">
        {rows.map((row) => (
          <li key={row.rowId}>
            <UploadRowCard row={row} />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Takes files by button and by dropping them anywhere, and shows each until it can be watched. */
export function UploadPage(): ReactNode {
  const { t } = useText();
  const { data: me } = useQuery(meQuery);
  if (!me) return null;
  return (
    <div className={styles['page']}>
      <PageTitle>{t.upload.title}</PageTitle>
      {me.role === 'viewer' ? (
        <Notice icon={EyeIcon} heading="h2" title={t.upload.viewerOnly} test="viewer-only" />
      ) : (
        <UploadArea accountId={me.accountId} />
      )}
    </div>
  );
}
