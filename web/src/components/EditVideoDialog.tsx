import type { Video, Visibility } from '@kinora/contracts';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { useId, useState, type ReactNode } from 'react';
import { changeVideo, fetchVideo } from '../api/videos.ts';
import { useText } from '../i18n/settings.ts';
import { Alert } from './Alert.tsx';
import { Button } from './Button.tsx';
import { Dialog } from './Dialog.tsx';
import { TextArea, TextField } from './Field.tsx';
import { VisibilityField } from './VisibilityField.tsx';

/** Lets the owner change title, description and visibility. */
export function EditVideoDialog({ video, onClose }: { readonly video: Video; readonly onClose: () => void }): ReactNode {
  const { t } = useText();
  const client = useQueryClient();
  const formId = useId();
  const [title, setTitle] = useState(video.title);
  const [description, setDescription] = useState(video.description);
  const [visibility, setVisibility] = useState<Visibility>(video.visibility);
  const [isTried, setIsTried] = useState(false);
  const isEmpty = title.trim() === '';
  // The version that the person sees; a change made elsewhere after this is not overwritten.
  const version = useQuery({
    queryKey: ['video-version', video.videoId],
    queryFn: () => fetchVideo(video.videoId),
    gcTime: 0,
    staleTime: Infinity,
  });
  const changes = {
    ...(title.trim() === video.title ? {} : { title: title.trim() }),
    ...(description === video.description ? {} : { description }),
    ...(visibility === video.visibility ? {} : { visibility }),
  };
  const save = useMutation({
    mutationFn: () => changeVideo(video.videoId, changes, version.data?.etag ?? '*'),
    onSuccess: (changed) => {
      client.setQueryData<Video>(['video', video.videoId], (known) => ({ ...known, ...changed }));
      void client.invalidateQueries({ queryKey: ['video-list'] });
      onClose();
    },
  });
  const actions = (
    <>
      <Button onClick={onClose}>{t.common.cancel}</Button>
      <Button kind="primary" type="submit" form={formId} disabled={save.isPending || version.isPending} data-test="save-video">
        {t.common.save}
      </Button>
    </>
  );
  return (
    <Dialog title={t.edit.title} test="edit-dialog" onClose={onClose} actions={actions}>
      <form
        id={formId}
        style={{ display: 'contents' }}
        onSubmit={(event) => {
          event.preventDefault();
          setIsTried(true);
          if (isEmpty) return;
          if (Object.keys(changes).length === 0) onClose();
          else save.mutate();
        }}
      >
        <TextField
          label={t.upload.titleLabel}
          value={title}
          maxLength={200}
          error={isTried && isEmpty ? t.account.required : undefined}
          onChange={({ target }) => setTitle(target.value)}
          data-test="edit-title"
        />
        <TextArea
          label={t.upload.descriptionLabel}
          value={description}
          maxLength={10_000}
          onChange={({ target }) => setDescription(target.value)}
          data-test="edit-description"
        />
        <VisibilityField value={visibility} onChange={setVisibility} test="edit-visibility" />
        {save.isError && <Alert error={save.error} />}
      </form>
    </Dialog>
  );
}
