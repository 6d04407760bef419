import type { Visibility } from '@kinora/contracts';

const key = 'kinora.visibility';

/** The visibility that the person chose last in this browser; public at first, as the server has it. */
export function lastVisibility(): Visibility {
  try {
    const stored = localStorage.getItem(key);
    return stored === 'unlisted' || stored === 'private' ? stored : 'public';
  } catch {
    return 'public';
  }
}

/** Keeps a choice for the next upload. */
export function rememberVisibility(visibility: Visibility): void {
  try {
    localStorage.setItem(key, visibility);
  } catch {
    // Storage can be switched off; the next upload then begins as public.
  }
}
