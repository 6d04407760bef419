/** What every section gives: rows of one table. */

/** What a row has to keep: its value, or its ratio to the reference, at most or at least `limit`. */
export interface Budget {
  readonly of: 'value' | 'ratio';
  readonly is: 'at most' | 'at least';
  readonly limit: number;
}

/** One figure. `value` and `reference.value` are in `unit`; `ratio` is value / reference. */
export interface Row {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  readonly reference?: { readonly what: string; readonly value: number };
  readonly ratio?: number;
  readonly budget?: Budget & { readonly text: string };
  /** Whether the budget is kept; absent without one. */
  readonly within?: boolean;
}

/** Measures one part; takes minutes at most, leaves nothing running and nothing on the disk but the cache of clips. @throws {NotMeasurableError} */
export type Section = (options: { readonly isFull: boolean }) => Promise<readonly Row[]>;

/** This machine lacks what a section needs; the message says what. */
export class NotMeasurableError extends Error {
  override readonly name = 'NotMeasurableError';
}

/** A row with its ratio worked out and its budget applied. A budget on a ratio without a reference cannot be judged: the row has none. */
export function row({ budget, ...facts }: Omit<Row, 'ratio' | 'within' | 'budget'> & { readonly budget?: Budget | undefined }): Row {
  const ratio = facts.reference && facts.value / facts.reference.value;
  const measured = budget?.of === 'ratio' ? ratio : facts.value;
  return {
    ...facts,
    ...(ratio === undefined ? {} : { ratio }),
    ...(budget === undefined || measured === undefined
      ? {}
      : {
          budget: { ...budget, text: textOf(budget, facts.unit) },
          within: budget.is === 'at most' ? measured <= budget.limit : measured >= budget.limit,
        }),
  };
}

const textOf = ({ of, is, limit }: Budget, unit: string): string =>
  `${is === 'at most' ? '≤' : '≥'} ${of === 'ratio' ? `${limit.toFixed(2)} ×` : `${withDigits(limit)} ${unit}`}`;

/** Three digits that count, thousands apart. */
export const withDigits = (value: number): string =>
  value.toLocaleString('en-GB', value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 }).replaceAll(',', ' ');

/** The middle of an odd number of values, else the mean of the two in the middle; NaN of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2;
}
