/** How many bytes were sent at an instant. */
export interface Sample {
  readonly atMs: number;
  readonly bytes: number;
}

const windowMs = 8_000;
const shortestMs = 800;

/** The samples of the last 8 s with a new one; starts anew when the bytes go back, as after a resume. */
export function addSample(samples: readonly Sample[], sample: Sample): readonly Sample[] {
  const last = samples.at(-1);
  if (last && last.bytes > sample.bytes) return [sample];
  return [...samples.filter(({ atMs }) => sample.atMs - atMs <= windowMs), sample];
}

/** Bytes per second over the samples; undefined until they span 0.8 s. */
export function rateOf(samples: readonly Sample[]): number | undefined {
  const first = samples[0];
  const last = samples.at(-1);
  if (!first || !last || last.atMs - first.atMs < shortestMs) return undefined;
  return ((last.bytes - first.bytes) * 1000) / (last.atMs - first.atMs);
}

/** Seconds until `bytesTotal` at a rate; undefined when nothing moves. */
export function secondsLeft(bytesSent: number, bytesTotal: number, bytesPerSecond: number | undefined): number | undefined {
  if (bytesPerSecond === undefined || bytesPerSecond <= 0) return undefined;
  return Math.max(0, bytesTotal - bytesSent) / bytesPerSecond;
}
