import { CircleAlert, type LucideIcon } from 'lucide-react';
import type { ReactNode } from 'react';
import { requestIdOf, sentenceOf } from '../api/sentence.ts';
import { useText } from '../i18n/settings.ts';
import { Button } from './Button.tsx';
import styles from './Notice.module.css';

interface Props {
  readonly icon: LucideIcon;
  readonly title: string;
  readonly text?: string | undefined;
  readonly requestId?: string | undefined;
  readonly heading?: 'h1' | 'h2';
  readonly test: string;
  readonly children?: ReactNode;
}

/** One sentence in place of content, and what can be done about it. */
export function Notice({ icon: Icon, title, text, requestId, heading: Heading = 'h1', test, children }: Props): ReactNode {
  const { t } = useText();
  return (
    <div className={styles['notice']} data-test={test}>
      <Icon size={36} strokeWidth={1.5} aria-hidden="true" />
      <Heading className={styles['title']}>{title}</Heading>
      {text !== undefined && <p className={styles['text']}>{text}</p>}
      {children !== undefined && <div className={styles['actions']}>{children}</div>}
      {requestId !== undefined && <p className={styles['request']}>{t.common.request(requestId)}</p>}
    </div>
  );
}

/** A failed request in place of what it should have brought. */
export function ErrorNotice({
  error,
  onRetry,
  heading = 'h2',
}: {
  readonly error: unknown;
  readonly onRetry: () => void;
  readonly heading?: 'h1' | 'h2';
}): ReactNode {
  const { t } = useText();
  return (
    <div role="alert">
      <Notice icon={CircleAlert} heading={heading} title={sentenceOf(error, t)} requestId={requestIdOf(error)} test="error-notice">
        <Button kind="primary" onClick={onRetry} data-test="retry">
          {t.common.retry}
        </Button>
      </Notice>
    </div>
  );
}
