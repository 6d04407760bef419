import { useQuery, useQueryClient } from '@tanstack/react-query';
import { Link, Outlet, useRouterState } from '@tanstack/react-router';
import { CircleUserRound, Clapperboard, House, LogIn, Upload } from 'lucide-react';
import { useEffect, type ReactNode } from 'react';
import { meQuery } from '../api/accounts.ts';
import { followStream } from '../api/stream.ts';
import { useText } from '../i18n/settings.ts';
import { useRunningUploads } from '../uploads/upload-store.ts';
import { AccountMenu, accountMenuId } from './AccountMenu.tsx';
import { buttonClass } from './Button.tsx';
import controls from './controls.module.css';
import styles from './Frame.module.css';
import { Mark } from './Mark.tsx';
import { NetworkLine } from './NetworkLine.tsx';

function UploadIcon(): ReactNode {
  const { t } = useText();
  const running = useRunningUploads();
  return (
    <span className={styles['busy']}>
      <Upload size={20} aria-hidden="true" />
      {running > 0 && (
        <span className={styles['dot']} data-test="uploads-running">
          <span className="visually-hidden">{t.nav.uploading(running)}</span>
        </span>
      )}
    </span>
  );
}

function HeaderActions({ isSignedIn }: { readonly isSignedIn: boolean }): ReactNode {
  const { t } = useText();
  const wide = styles['wide'] ?? '';
  return (
    <>
      {isSignedIn ? (
        <>
          <Link to="/my-videos" className={buttonClass('quiet', wide)} data-test="nav-my-videos">
            {t.nav.videos}
          </Link>
          <Link to="/upload" className={buttonClass('plain', wide)} data-test="nav-upload">
            <UploadIcon />
            {t.nav.upload}
          </Link>
        </>
      ) : (
        <Link to="/sign-in" className={buttonClass('plain', wide)} data-test="nav-sign-in">
          {t.nav.signIn}
        </Link>
      )}
      <button
        type="button"
        className={buttonClass('quiet', `${wide} ${controls['icon'] ?? ''}`)}
        popoverTarget={accountMenuId}
        aria-label={t.nav.account}
        title={t.nav.account}
        data-test="nav-account"
      >
        <CircleUserRound size={24} aria-hidden="true" />
      </button>
    </>
  );
}

function BottomBar({ isSignedIn }: { readonly isSignedIn: boolean }): ReactNode {
  const { t } = useText();
  const tab = styles['tab'];
  return (
    <nav className={styles['bottom']} aria-label={t.nav.main} data-test="bottom-bar">
      <Link to="/" className={tab} activeOptions={{ exact: true }}>
        <House size={20} aria-hidden="true" />
        {t.nav.home}
      </Link>
      {isSignedIn ? (
        <>
          <Link to="/upload" className={tab} data-test="tab-upload">
            <UploadIcon />
            {t.nav.upload}
          </Link>
          <Link to="/my-videos" className={tab} data-test="tab-my-videos">
            <Clapperboard size={20} aria-hidden="true" />
            {t.nav.videos}
          </Link>
        </>
      ) : (
        <Link to="/sign-in" className={tab} data-test="tab-sign-in">
          <LogIn size={20} aria-hidden="true" />
          {t.nav.signIn}
        </Link>
      )}
      <button type="button" className={tab} popoverTarget={accountMenuId} data-test="tab-account">
        <CircleUserRound size={20} aria-hidden="true" />
        {t.nav.account}
      </button>
    </nav>
  );
}

/** Header, content and, on a phone, the bottom bar; on the set-up page only the mark. */
export function Frame(): ReactNode {
  const { t } = useText();
  const client = useQueryClient();
  const { data: me } = useQuery(meQuery);
  const isSettingUp = useRouterState({ select: ({ location }) => location.pathname === '/setup' });
  const accountId = me?.accountId;
  // The stream serves accounts only, and what it tells depends on whose it is.
  useEffect(() => (accountId === undefined ? undefined : followStream(client)), [client, accountId]);
  const isSignedIn = accountId !== undefined;
  return (
    <>
      <a href="#content" className={styles['skip']}>
        {t.common.skip}
      </a>
      <header className={styles['header']}>
        <div className={styles['bar']}>
          <Link to="/" className={styles['mark']} data-test="nav-home">
            <Mark />
            Kinora
          </Link>
          {!isSettingUp && <HeaderActions isSignedIn={isSignedIn} />}
        </div>
        <NetworkLine />
      </header>
      <main id="content" tabIndex={-1} className={styles['main']}>
        <Outlet />
      </main>
      {!isSettingUp && <BottomBar isSignedIn={isSignedIn} />}
      <AccountMenu />
    </>
  );
}
