import { CloudOff } from 'lucide-react';
import { useSyncExternalStore, type ReactNode } from 'react';
import { useIsConnectionLost } from '../api/stream.ts';
import { useText } from '../i18n/settings.ts';
import styles from './Frame.module.css';

function subscribe(listener: () => void): () => void {
  window.addEventListener('online', listener);
  window.addEventListener('offline', listener);
  return () => {
    window.removeEventListener('online', listener);
    window.removeEventListener('offline', listener);
  };
}

/** A line under the header while the browser is offline or the server does not answer. */
export function NetworkLine(): ReactNode {
  const { t } = useText();
  const isOnline = useSyncExternalStore(subscribe, () => navigator.onLine);
  const isLost = useIsConnectionLost();
  return (
    <div role="status">
      {(!isOnline || isLost) && (
        <p className={styles['line']} data-test="network-line">
          <CloudOff size={16} aria-hidden="true" />
          {isOnline ? t.common.lost : t.common.offline}
        </p>
      )}
    </div>
  );
}
