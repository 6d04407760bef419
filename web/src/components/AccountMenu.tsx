import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { Clapperboard, LogIn, LogOut, UserPlus } from 'lucide-react';
import { useEffect, useRef, type ReactNode } from 'react';
import { meQuery, setupQuery, signOut } from '../api/accounts.ts';
import { sentenceOf } from '../api/sentence.ts';
import { isLanguage, languages } from '../i18n/language.ts';
import { setLanguage, setTheme, themes, useSettings, useText } from '../i18n/settings.ts';
import styles from './AccountMenu.module.css';
import fields from './fields.module.css';

/** Id by which the buttons of header and bottom bar open the menu. */
export const accountMenuId = 'account-menu';

function Preferences(): ReactNode {
  const { t } = useText();
  const { language, theme } = useSettings();
  return (
    <div className={styles['settings']}>
      <label htmlFor="choose-language">{t.settings.language}</label>
      <select
        id="choose-language"
        className={fields['select']}
        data-test="language"
        value={language}
        onChange={({ target }) => isLanguage(target.value) && setLanguage(target.value)}
      >
        {Object.entries(languages).map(([code, name]) => (
          <option key={code} value={code} lang={code}>
            {name}
          </option>
        ))}
      </select>
      <label htmlFor="choose-theme">{t.settings.theme}</label>
      <select
        id="choose-theme"
        className={fields['select']}
        data-test="theme"
        value={theme}
        onChange={({ target }) => setTheme(themes.find((each) => each === target.value) ?? 'system')}
      >
        {themes.map((each) => (
          <option key={each} value={each}>
            {t.settings[each]}
          </option>
        ))}
      </select>
    </div>
  );
}

function SignOut(): ReactNode {
  const { t } = useText();
  const client = useQueryClient();
  const navigate = useNavigate();
  const leave = useMutation({
    mutationFn: signOut,
    onSuccess: async () => {
      await navigate({ to: '/' });
      client.setQueryData(meQuery.queryKey, null);
      client.removeQueries({ predicate: ({ queryKey }) => queryKey[0] !== 'me' && queryKey[0] !== 'setup', type: 'inactive' });
      await client.invalidateQueries();
    },
  });
  return (
    <>
      <button type="button" className={styles['entry']} data-test="sign-out" disabled={leave.isPending} onClick={() => leave.mutate()}>
        <LogOut size={20} aria-hidden="true" />
        {t.nav.signOut}
      </button>
      {leave.isError && (
        <p className={styles['error']} role="alert">
          {sentenceOf(leave.error, t)}
        </p>
      )}
    </>
  );
}

/** The account, its pages, language and appearance; a popover below the header, a sheet above the bottom bar on a phone. */
export function AccountMenu(): ReactNode {
  const { t } = useText();
  const { data: me } = useQuery(meQuery);
  const { data: setup } = useQuery(setupQuery);
  const menu = useRef<HTMLDivElement>(null);
  const close = (): void => menu.current?.hidePopover();
  useEffect(close, [me?.accountId]);
  return (
    <div
      id={accountMenuId}
      ref={menu}
      popover="auto"
      role="dialog"
      aria-label={t.nav.account}
      className={styles['menu']}
      data-test="account-menu"
    >
      {me ? (
        <>
          <div className={styles['who']}>
            <p className={styles['name']} data-test="account-name">
              {me.name}
            </p>
            <p className={styles['email']}>{me.email}</p>
          </div>
          <Link to="/my-videos" className={styles['entry']} onClick={close}>
            <Clapperboard size={20} aria-hidden="true" />
            {t.nav.videos}
          </Link>
          <Preferences />
          <SignOut />
        </>
      ) : (
        <>
          <Link to="/sign-in" className={styles['entry']} onClick={close}>
            <LogIn size={20} aria-hidden="true" />
            {t.nav.signIn}
          </Link>
          {setup?.signUpOpen === true && (
            <Link to="/sign-up" className={styles['entry']} onClick={close}>
              <UserPlus size={20} aria-hidden="true" />
              {t.nav.signUp}
            </Link>
          )}
          <Preferences />
        </>
      )}
    </div>
  );
}
