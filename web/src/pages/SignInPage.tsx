import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useSearch } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { setupQuery, signIn } from '../api/accounts.ts';
import { linkClass } from '../components/Button.tsx';
import { useText } from '../i18n/settings.ts';
import { AccountForm } from './AccountForm.tsx';
import { safePath } from './credentials.ts';
import styles from './page.module.css';

/** Signs in and goes on to where the person wanted to be. */
export function SignInPage(): ReactNode {
  const { t } = useText();
  const navigate = useNavigate();
  const { to } = useSearch({ from: '/sign-in' });
  const { data: setup } = useQuery(setupQuery);
  return (
    <AccountForm
      title={t.account.signInTitle}
      submit={t.account.signIn}
      submitting={t.account.signingIn}
      asks={[]}
      isNewPassword={false}
      test="sign-in"
      send={({ email, password }) => signIn({ email, password })}
      onDone={() => navigate({ href: safePath(to), replace: true })}
    >
      {setup?.signUpOpen === true && (
        <p className={styles['aside']}>
          {t.account.noAccount}
          <Link to="/sign-up" search={to === undefined ? {} : { to }} className={linkClass} data-test="to-sign-up">
            {t.nav.signUp}
          </Link>
        </p>
      )}
    </AccountForm>
  );
}
