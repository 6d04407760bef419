import type { JobRecord } from './asset.ts';
import { jobsOf, ticksOf, type Job, type Plan } from './plan.ts';
import type { Probe } from './probe.ts';

/** Work of a job in pixels handled, the scale on which jobs compare. */
function workOf(job: Job, plan: Plan, { video }: Probe): number {
  const sourcePx = video.widthPx * video.heightPx;
  const decoding = sourcePx * 0.3;
  const frames = job.chunk ? job.chunk.endFrame - job.chunk.firstFrame : plan.totalFrames;
  if (job.rungs) return frames * (decoding + job.rungs.reduce((sum, { widthPx, heightPx }) => sum + widthPx * heightPx, 0));
  if (job.step === 'remux') return frames * sourcePx * 0.01;
  if (job.step === 'audio') return frames * 20_000;
  return job.step === 'storyboard' ? frames * sourcePx * 0.05 : sourcePx * 30;
}

/** Part of a running job that is done, by the segments it has stored. */
function partOf(job: Job, plan: Plan, record: JobRecord): number {
  const outputs = Object.values(record.outputs ?? {});
  if (outputs.length === 0) return 0;
  const { num, den } = plan.rate;
  const seconds = ((job.chunk ? job.chunk.endFrame - job.chunk.firstFrame : plan.totalFrames) * den) / num;
  const done = outputs.map(({ runs, timescale }) => runs.reduce((ticks, [count, each]) => ticks + count * each, 0) / timescale);
  return Math.min(1, Math.min(...done) / Math.max(seconds, ticksOf(plan.rate).frameTicks / ticksOf(plan.rate).timescale));
}

/** Share of the plan's work that is done, 0…1. */
export function progressOf(plan: Plan, probe: Probe, records: Readonly<Record<string, JobRecord>>): number {
  let all = 0;
  let done = 0;
  for (const job of jobsOf(plan)) {
    const work = workOf(job, plan, probe);
    const record = records[job.jobId];
    all += work;
    if (record) done += record.state === 'running' ? work * partOf(job, plan, record) : work;
  }
  return all > 0 ? Math.round((done / all) * 1000) / 1000 : 0;
}

/** Seconds left at the pace so far; undefined while that would be a guess. */
export function etaSeconds(progress: number, since: string | undefined, now: Date): number | undefined {
  const elapsed = since === undefined ? 0 : (now.getTime() - Date.parse(since)) / 1000;
  return progress < 0.02 || elapsed < 2 ? undefined : Math.round((elapsed * (1 - progress)) / progress);
}
