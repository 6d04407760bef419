import type { ReactNode } from 'react';
import { sentenceOf } from '../api/sentence.ts';
import { TextArea, TextField } from '../components/Field.tsx';
import { VisibilityField } from '../components/VisibilityField.tsx';
import { useText } from '../i18n/settings.ts';
import { rememberVisibility } from './last-visibility.ts';
import type { UploadRow } from './upload-store.ts';
import { useDraft } from './use-draft.ts';
import styles from './UploadRow.module.css';

/** Title, description and visibility, typed while the file is sent and saved by themselves. */
export function DraftPart({ row }: { readonly row: UploadRow }): ReactNode {
  const { t } = useText();
  const { saving, change, flush } = useDraft(row);
  const { draft } = row;
  return (
    <div className={styles['form']} onBlur={flush}>
      <TextField
        label={t.upload.titleLabel}
        value={draft.title}
        maxLength={200}
        error={draft.title.trim() === '' ? t.account.required : undefined}
        onChange={({ target }) => change({ title: target.value })}
        data-test="draft-title"
      />
      <VisibilityField
        value={draft.visibility}
        test="draft-visibility"
        onChange={(visibility) => {
          rememberVisibility(visibility);
          change({ visibility });
        }}
      />
      <TextArea
        label={t.upload.descriptionLabel}
        value={draft.description}
        maxLength={10_000}
        onChange={({ target }) => change({ description: target.value })}
        data-test="draft-description"
      />
      <p
        className={saving.state === 'failed' ? styles['bad'] : styles['saving']}
        role="status"
        data-test="draft-saving"
        data-state={saving.state}
      >
        {saving.state === 'saving' && t.upload.saving}
        {saving.state === 'saved' && t.upload.saved}
        {saving.state === 'failed' && sentenceOf(saving.error, t)}
      </p>
    </div>
  );
}
