import type { Video } from '@kinora/contracts';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { forgetVideo } from '../api/stream.ts';
import { deleteVideo } from '../api/videos.ts';
import { useText } from '../i18n/settings.ts';
import { Alert } from './Alert.tsx';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';

interface Props {
  readonly video: Video;
  readonly onClose: () => void;
  readonly onDeleted?: () => void;
}

/** Asks before a video is deleted for good, and deletes it. */
export function DeleteVideoDialog({ video, onClose, onDeleted }: Props): ReactNode {
  const { t } = useText();
  const client = useQueryClient();
  const remove = useMutation({
    mutationFn: () => deleteVideo(video.videoId),
    onSuccess: () => {
      onDeleted?.();
      onClose();
      forgetVideo(client, video.videoId);
    },
  });
  const actions = (
    <>
      <Button onClick={onClose} autoFocus>
        {t.common.cancel}
      </Button>
      <Button kind="danger" disabled={remove.isPending} onClick={() => remove.mutate()} data-test="confirm-delete">
        {remove.isPending ? t.videos.deleting : t.common.delete}
      </Button>
    </>
  );
  return (
    <Dialog title={t.videos.deleteTitle} test="delete-dialog" onClose={onClose} actions={actions}>
      <p>{t.videos.deleteText(video.title)}</p>
      {remove.isError && <Alert error={remove.error} />}
    </Dialog>
  );
}
