import { Check, Link2 } from 'lucide-react';
import { useEffect, useState, type ReactNode } from 'react';
import { useText } from '../i18n/settings.ts';
import { Button } from './Button.tsx';

const shownMs = 2_500;

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    // Browsers offer the clipboard only under https and localhost; a selection can be copied anywhere.
    const area = document.createElement('textarea');
    area.value = text;
    area.setAttribute('readonly', '');
    area.className = 'visually-hidden';
    document.body.append(area);
    area.select();
    const isCopied = document.execCommand('copy');
    area.remove();
    return isCopied;
  }
}

/** Copies the address of a video's page and says so. */
export function CopyLink({ videoId, kind = 'plain' }: { readonly videoId: string; readonly kind?: 'plain' | 'primary' }): ReactNode {
  const { t } = useText();
  const [isCopied, setIsCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return undefined;
    const timer = window.setTimeout(() => setIsCopied(false), shownMs);
    return () => window.clearTimeout(timer);
  }, [isCopied]);
  return (
    <Button kind={kind} data-test="copy-link" onClick={() => void copy(videoAddress(videoId)).then(setIsCopied)}>
      {isCopied ? <Check size={20} aria-hidden="true" /> : <Link2 size={20} aria-hidden="true" />}
      <span aria-live="polite">{isCopied ? t.upload.copied : t.upload.copy}</span>
    </Button>
  );
}

/** Absolute address of a video's page, as it is shared. */
export const videoAddress = (videoId: string): string => new URL(`/watch/${videoId}`, location.origin).href;
