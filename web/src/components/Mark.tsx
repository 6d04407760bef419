import type { ReactNode } from 'react';

/** Kinora's mark: cards of a flip-book reel, the last of them playing. */
export function Mark(): ReactNode {
  return (
    <svg viewBox="0 0 24 24" width="26" height="26" fill="none" aria-hidden="true" focusable="false">
      <circle cx="12" cy="12" r="11" fill="var(--accent)" />
      <path d="M9.6 7.6v8.8c0 .5.55.8.97.53l6.7-4.4a.63.63 0 0 0 0-1.06l-6.7-4.4a.63.63 0 0 0-.97.53Z" fill="var(--on-accent)" />
      <path d="M6.6 8v8M4.4 9.6v4.8" stroke="var(--on-accent)" strokeWidth="1.4" strokeLinecap="round" />
    </svg>
  );
}
