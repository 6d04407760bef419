import { useEffect, type ReactNode } from 'react';

/** Names the browser's tab. */
export function useTitle(title: string | undefined): void {
  useEffect(() => {
    document.title = title === undefined ? 'Kinora' : `${title} · Kinora`;
  }, [title]);
}

/** The heading of a page, which also names the browser's tab. */
export function PageTitle({ children, hidden = false }: { readonly children: string; readonly hidden?: boolean }): ReactNode {
  useTitle(children);
  return <h1 className={hidden ? 'visually-hidden' : undefined}>{children}</h1>;
}
