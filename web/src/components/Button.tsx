import type { ComponentProps, ReactNode } from 'react';
import styles from './controls.module.css';

type Kind = 'primary' | 'plain' | 'quiet' | 'danger';

/** Class names that make a link or a button look like a button. */
export const buttonClass = (kind: Kind = 'plain', extra = ''): string =>
  [styles['button'], kind === 'plain' ? '' : styles[kind], extra].filter(Boolean).join(' ');

/** Class name of a link that stands alone as an action. */
export const linkClass = styles['link'] ?? '';

interface Props extends ComponentProps<'button'> {
  readonly kind?: Kind;
  readonly wide?: boolean;
}

/** A button with words. */
export function Button({ kind = 'plain', wide = false, className, type = 'button', ...rest }: Props): ReactNode {
  return <button type={type} className={buttonClass(kind, [wide ? styles['wide'] : '', className ?? ''].join(' ').trim())} {...rest} />;
}

/** A button that shows only an icon; `label` is its name. */
export function IconButton({ label, kind = 'quiet', className, ...rest }: Omit<Props, 'wide'> & { readonly label: string }): ReactNode {
  const extra = [styles['icon'], className ?? ''].join(' ').trim();
  return <button type="button" className={buttonClass(kind, extra)} aria-label={label} title={label} {...rest} />;
}
