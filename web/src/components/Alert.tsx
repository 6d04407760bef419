import { CircleAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { requestIdOf, sentenceOf } from '../api/sentence.ts';
import { useText } from '../i18n/settings.ts';
import styles from './Alert.module.css';

/** What went wrong with something the person just did, beside where it was done. */
export function Alert({ error, children }: { readonly error?: unknown; readonly children?: ReactNode }): ReactNode {
  const { t } = useText();
  const requestId = requestIdOf(error);
  return (
    <div className={styles['alert']} role="alert" data-test="alert">
      <CircleAlert size={20} aria-hidden="true" />
      <div>
        <p>{children ?? sentenceOf(error, t)}</p>
        {requestId !== undefined && <p className={styles['request']}>{t.common.request(requestId)}</p>}
      </div>
    </div>
  );
}
