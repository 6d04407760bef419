import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import { DoorClosed } from 'lucide-react';
import type { ReactNode } from 'react';
import { setupQuery, signUp } from '../api/accounts.ts';
import { buttonClass, linkClass } from '../components/Button.tsx';
import { Notice } from '../components/Notice.tsx';
import { useText } from '../i18n/settings.ts';
import { AccountForm } from './AccountForm.tsx';
import { safePath } from './credentials.ts';
import styles from './page.module.css';

/** Makes an account where new ones are open. */
export function SignUpPage(): ReactNode {
  const { t } = useText();
  const navigate = useNavigate();
  const { to } = useSearch({ from: '/sign-up' });
  const { data: setup } = useQuery(setupQuery);
  if (setup?.signUpOpen === false) {
    return (
      <Notice icon={DoorClosed} title={t.account.closed} test="sign-up-closed">
        <Link to="/sign-in" className={buttonClass('primary')}>
          {t.nav.signIn}
        </Link>
      </Notice>
    );
  }
  return (
    <AccountForm
      title={t.account.signUpTitle}
      submit={t.account.signUp}
      submitting={t.account.signingUp}
      asks={['name']}
      isNewPassword
      test="sign-up"
      send={({ name, email, password }) => signUp({ name, email, password })}
      onDone={() => navigate({ href: safePath(to), replace: true })}
    >
      <p className={styles['aside']}>
        {t.account.haveAccount}
        <Link to="/sign-in" search={to === undefined ? {} : { to }} className={linkClass} data-test="to-sign-in">
          {t.nav.signIn}
        </Link>
      </p>
    </AccountForm>
  );
}
