/** A time span rounded as coarsely as it is known. */
export interface Remaining {
  readonly unit: 'second' | 'minute' | 'hour';
  readonly value: number;
}

/** Rounds seconds up to what a person can plan with: tens of seconds, minutes, and from 90 minutes on half hours; undefined when nothing honest can be said. */
export function roundRemaining(seconds: number | undefined): Remaining | undefined {
  if (seconds === undefined || !Number.isFinite(seconds) || seconds < 0) return undefined;
  if (seconds <= 50) return { unit: 'second', value: Math.max(10, Math.ceil(seconds / 10) * 10) };
  if (seconds <= 90 * 60) return { unit: 'minute', value: Math.max(1, Math.ceil((seconds - 10) / 60)) };
  if (seconds > 48 * 3600) return undefined;
  return { unit: 'hour', value: Math.ceil(seconds / 1800) / 2 };
}

/** The rounded span in words of the language, e.g. `2 min`, `2분`. */
export function formatRemaining({ unit, value }: Remaining, language: string): string {
  return new Intl.NumberFormat(language, { style: 'unit', unit, unitDisplay: 'short' }).format(value);
}
