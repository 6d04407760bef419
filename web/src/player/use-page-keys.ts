import { useEffect, type RefObject } from 'react';

/** Lets the player's keys (space, k, arrows, j, l, f, m, c, <, >) work as long as nothing else on the page has the focus. */
export function usePageKeys(controller: RefObject<HTMLElement | null>): void {
  useEffect(() => {
    const forward = (event: KeyboardEvent): void => {
      if (event.target !== document.body || event.ctrlKey || event.metaKey || event.altKey || !controller.current) return;
      const { type, key, code, shiftKey } = event;
      const copy = new KeyboardEvent(type, { key, code, shiftKey, bubbles: false, cancelable: true });
      controller.current.dispatchEvent(copy);
      if (copy.defaultPrevented || key === ' ' || key.startsWith('Arrow')) event.preventDefault(); // Else the page scrolls.
    };
    document.addEventListener('keydown', forward);
    document.addEventListener('keyup', forward);
    return () => {
      document.removeEventListener('keydown', forward);
      document.removeEventListener('keyup', forward);
    };
  }, [controller]);
}
