import type { CSSProperties, ReactNode } from 'react';
import styles from './Progress.module.css';

interface Props {
  /** 0 to 1. */
  readonly value: number;
  readonly label: string;
  readonly tone?: 'accent' | 'still';
}

/** How far something is. */
export function Progress({ value, label, tone = 'accent' }: Props): ReactNode {
  const percent = Math.floor(Math.min(1, Math.max(0, value)) * 100);
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
      className={[styles['track'], styles[tone]].join(' ')}
      style={{ '--value': Math.min(1, Math.max(0, value)) } as CSSProperties}
    >
      <span />
    </div>
  );
}
