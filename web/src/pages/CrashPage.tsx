import { useRouter } from '@tanstack/react-router';
import { CloudAlert } from 'lucide-react';
import type { ReactNode } from 'react';
import { ApiError } from '../api/client.ts';
import { requestIdOf, sentenceOf } from '../api/sentence.ts';
import { Button } from '../components/Button.tsx';
import { Notice } from '../components/Notice.tsx';
import { useText } from '../i18n/settings.ts';

/** In place of a page that could not be shown: what happened, and a way on. */
export function CrashPage({ error }: { readonly error: unknown }): ReactNode {
  const { t } = useText();
  const router = useRouter();
  const retry = (): void => {
    // A part of the app that did not load stays missing until the page is loaded anew; a failed request does not.
    if (error instanceof ApiError) void router.invalidate();
    else location.reload();
  };
  return (
    <div role="alert">
      <Notice
        icon={CloudAlert}
        title={error instanceof ApiError ? sentenceOf(error, t) : t.crash.title}
        text={error instanceof ApiError ? undefined : t.crash.text}
        requestId={requestIdOf(error)}
        test="crash"
      >
        <Button kind="primary" onClick={retry} data-test="retry">
          {t.common.retry}
        </Button>
      </Notice>
    </div>
  );
}
