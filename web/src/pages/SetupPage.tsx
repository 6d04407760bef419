import { useNavigate } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { setUp } from '../api/accounts.ts';
import { useText } from '../i18n/settings.ts';
import { AccountForm } from './AccountForm.tsx';

/** Makes the first admin with the code that was printed at the start. */
export function SetupPage(): ReactNode {
  const { t } = useText();
  const navigate = useNavigate();
  return (
    <AccountForm
      title={t.setup.title}
      intro={t.setup.intro}
      submit={t.setup.submit}
      submitting={t.setup.submitting}
      asks={['code', 'name']}
      isNewPassword
      test="setup"
      send={(values) => setUp(values)}
      onDone={() => navigate({ to: '/', replace: true })}
    />
  );
}
