/** Half-open byte range `[start, end)`. */
export interface ByteRange {
  readonly start: number;
  readonly end: number;
}

/** More than this in one request is not a player's doing (RFC 9110 §17.15): the whole is sent. */
const maxRanges = 16;

function parseSpec(spec: string, bytes: number): ByteRange | 'invalid' | 'unsatisfiable' {
  const [, first = '', last = ''] = /^(\d*)-(\d*)$/.exec(spec) ?? [];
  if (first === '' && last === '') return 'invalid';
  if (first === '') {
    const suffix = Number(last);
    return suffix === 0 ? 'unsatisfiable' : { start: Math.max(0, bytes - suffix), end: bytes };
  }
  const start = Number(first);
  const end = last === '' ? bytes : Number(last) + 1;
  if (end <= start && last !== '') return 'invalid';
  return start >= bytes ? 'unsatisfiable' : { start, end: Math.min(end, bytes) };
}

/** Merges ranges that overlap, as RFC 9110 §15.3.7.2 lets a server do; without overlaps they stay in the order asked for. */
function merge(ranges: readonly ByteRange[]): readonly ByteRange[] {
  const merged: ByteRange[] = [];
  for (const range of [...ranges].sort((a, b) => a.start - b.start)) {
    const before = merged.at(-1);
    if (before && range.start < before.end) merged[merged.length - 1] = { start: before.start, end: Math.max(before.end, range.end) };
    else merged.push(range);
  }
  return merged.length === ranges.length ? ranges : merged;
}

/**
 * The ranges that a Range header asks for of a representation of `bytes`: not empty, inside it, not overlapping.
 * Undefined when the header has to be ignored: absent, another unit, invalid, too many. RFC 9110 §14.2.
 */
export function parseRange(header: string | undefined, bytes: number): readonly ByteRange[] | 'unsatisfiable' | undefined {
  const list = /^bytes=(.*)$/i.exec(header ?? '')?.[1];
  if (list === undefined || list.length > 1000) return undefined;
  const specs = list
    .split(',')
    .map((spec) => spec.trim())
    .filter((spec) => spec !== '');
  if (specs.length === 0 || specs.length > maxRanges) return undefined;
  const ranges: ByteRange[] = [];
  for (const spec of specs) {
    const range = parseSpec(spec, bytes);
    if (range === 'invalid') return undefined;
    if (range !== 'unsatisfiable') ranges.push(range);
  }
  if (ranges.length === 0) return 'unsatisfiable';
  // An empty representation has a satisfiable suffix, but no Content-Range can say so.
  return bytes === 0 ? undefined : merge(ranges);
}

/** Value of Content-Range for one range of a representation of `bytes`. */
export const contentRange = ({ start, end }: ByteRange, bytes: number): string => `bytes ${start}-${end - 1}/${bytes}`;
