/** `[count, ticks]`: that many segments in a row of that duration. */
export type SegmentRun = readonly [count: number, ticks: number];

/** Segments of one rendition as far as they are stored, in order and without a gap. */
export interface Output {
  readonly timescale: number;
  /** RFC 6381. */
  readonly codecs: string;
  readonly runs: readonly SegmentRun[];
  readonly segments: number;
  readonly bytes: number;
  /** Highest bitrate of a segment, bits per second. */
  readonly peakBps: number;
}

/** `output` with one more segment. */
export function addSegment(output: Output, ticks: number, bytes: number): Output {
  const seconds = ticks / output.timescale;
  const last = output.runs.at(-1);
  return {
    ...output,
    runs: last?.[1] === ticks ? [...output.runs.slice(0, -1), [last[0] + 1, ticks]] : [...output.runs, [1, ticks]],
    segments: output.segments + 1,
    bytes: output.bytes + bytes,
    peakBps: seconds > 0.5 ? Math.max(output.peakBps, Math.round((bytes * 8) / seconds)) : output.peakBps,
  };
}

/** Both outputs as one; `next` goes on where `first` ends. */
export function joinOutputs(first: Output | undefined, next: Output): Output {
  if (!first) return next;
  const last = first.runs.at(-1);
  const head = next.runs[0];
  const runs: readonly SegmentRun[] =
    last && head && last[1] === head[1]
      ? [...first.runs.slice(0, -1), [last[0] + head[0], last[1]], ...next.runs.slice(1)]
      : [...first.runs, ...next.runs];
  return {
    ...first,
    runs,
    segments: first.segments + next.segments,
    bytes: first.bytes + next.bytes,
    peakBps: Math.max(first.peakBps, next.peakBps),
  };
}

/** What has been stored of each rendition when the same job is done twice: the same bytes, so whoever is further has it all. */
export function furthest(
  one: Readonly<Record<string, Output>> = {},
  other: Readonly<Record<string, Output>> = {},
): Readonly<Record<string, Output>> {
  const ahead = Object.entries(other).filter(([renditionId, { segments }]) => segments > (one[renditionId]?.segments ?? 0));
  return { ...one, ...Object.fromEntries(ahead) };
}

/** Seconds that the segments of `output` last. */
export const secondsOf = ({ runs, timescale }: Output): number =>
  runs.reduce((ticks, [count, each]) => ticks + count * each, 0) / timescale;
