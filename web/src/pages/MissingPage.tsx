import { Link } from '@tanstack/react-router';
import { Compass } from 'lucide-react';
import type { ReactNode } from 'react';
import { buttonClass } from '../components/Button.tsx';
import { Notice } from '../components/Notice.tsx';
import { useTitle } from '../components/PageTitle.tsx';
import { useText } from '../i18n/settings.ts';

/** An address that leads nowhere. */
export function MissingPage(): ReactNode {
  const { t } = useText();
  useTitle(t.missing.title);
  return (
    <Notice icon={Compass} title={t.missing.title} text={t.missing.text} test="not-found">
      <Link to="/" className={buttonClass('primary')}>
        {t.common.home}
      </Link>
    </Notice>
  );
}
