import type { Asset, AssetState, FailureReason, ProcessingStep } from '@kinora/contracts';
import type { Outboxed } from '@kinora/messaging';
import { joinOutputs, type Output } from './output.ts';
import { audioRenditionId, jobsOf, longestSegmentSeconds, segmentSeconds, type Job, type Plan } from './plan.ts';
import type { PlayableRendition } from './playlists.ts';
import type { Probe } from './probe.ts';
import { etaSeconds, progressOf } from './progress.ts';

/** How a job stands; without a record it waits. `dropped` jobs have failed for good. */
export interface JobRecord {
  readonly state: 'running' | 'done' | 'dropped';
  readonly failures: number;
  readonly startedAt: string;
  readonly endedAt?: string;
  readonly error?: string;
  /** What it has stored and its renditions do not count yet. */
  readonly outputs?: Readonly<Record<string, Output>>;
}

/** The segments of a rendition from its first `jobs` jobs. */
export interface RenditionRecord {
  readonly jobs: number;
  readonly output?: Output;
}

/** Everything known of an asset: one document, changed by one update at a time. */
export interface AssetDocument extends Outboxed {
  readonly videoId: string;
  readonly ownerId: string;
  readonly sourceKey: string;
  readonly bytes: number;
  readonly createdAt: string;
  readonly state: AssetState;
  readonly failure?: FailureReason;
  /** Grows with each event. */
  readonly revision: number;
  readonly probe?: Probe;
  readonly plan?: Plan;
  readonly plannedAt?: string;
  /** How many of the remaining jobs have been sent to workers. */
  readonly sent: number;
  readonly jobs: Readonly<Record<string, JobRecord>>;
  readonly renditions: Readonly<Record<string, RenditionRecord>>;
  /** When a worker last gave a sign of life. */
  readonly aliveAt: string;
  /** When the last event was emitted. */
  readonly progressedAt: string;
  /** Mark of whoever is writing the playlists now. */
  readonly pen?: string;
  /** Playlist → digest of what was last written to it. */
  readonly written?: Readonly<Record<string, string>>;
}

/** True when nothing is left to do for a job. */
export const isOver = (record: JobRecord | undefined): boolean => record?.state === 'done' || record?.state === 'dropped';

/** True when nothing is left to do for any job of the plan. */
export const isFinished = ({ plan, jobs }: AssetDocument): boolean =>
  plan !== undefined && jobsOf(plan).every(({ jobId }) => isOver(jobs[jobId]));

/** Jobs that add to a rendition, in the order of its timeline. */
const jobsFor = (all: readonly Job[], renditionId: string): readonly Job[] =>
  all.filter(({ renditionIds }) => renditionIds.includes(renditionId));

/**
 * Moves what ended jobs have made into their renditions as far as these are without a gap, so that a long film's document stays small.
 * Returns the fields that change.
 */
export function foldOutputs(document: AssetDocument): Pick<AssetDocument, 'jobs' | 'renditions'> {
  const all = document.plan ? jobsOf(document.plan) : [];
  const jobs: Record<string, JobRecord> = { ...document.jobs };
  const renditions: Record<string, RenditionRecord> = { ...document.renditions };
  for (const renditionId of new Set(all.flatMap(({ renditionIds }) => renditionIds))) {
    const line = jobsFor(all, renditionId);
    let { jobs: count, output } = renditions[renditionId] ?? { jobs: 0, output: undefined };
    for (let job = line[count]; job && jobs[job.jobId]?.state === 'done'; job = line[++count]) {
      const record = jobs[job.jobId];
      const { [renditionId]: made, ...others } = record?.outputs ?? {};
      if (made && made.segments > 0) output = joinOutputs(output, made);
      if (record) jobs[job.jobId] = { ...record, outputs: others };
    }
    renditions[renditionId] = { jobs: count, ...(output ? { output } : {}) };
  }
  return { jobs, renditions };
}

interface Track {
  readonly output: Output | undefined;
  /** All of it is there. */
  readonly isWhole: boolean;
  /** Nothing more will come. */
  readonly isOver: boolean;
}

function trackOf(document: AssetDocument, all: readonly Job[], renditionId: string): Track {
  const line = jobsFor(all, renditionId);
  const record = document.renditions[renditionId] ?? { jobs: 0 };
  const next = line[record.jobs];
  const partial = next && document.jobs[next.jobId]?.outputs?.[renditionId];
  const output = partial && partial.segments > 0 ? joinOutputs(record.output, partial) : record.output;
  return { output, isWhole: !next, isOver: !next || document.jobs[next.jobId]?.state === 'dropped' };
}

/** What a rendition's media playlist says about its longest segment, whole seconds, the same for ever. */
export const targetSecondsOf = (plan: Plan, renditionId: string): number =>
  renditionId === plan.remux?.renditionId
    ? longestSegmentSeconds
    : renditionId === audioRenditionId
      ? segmentSeconds + 1
      : Math.max(1, Math.ceil((plan.framesPerSegment * plan.rate.den) / plan.rate.num));

/**
 * Renditions that can be played, lowest video first, audio last. While work goes on, each with a segment; once it is finished,
 * the whole ones, or what there is of the others when no video is whole.
 */
export function playableRenditions(document: AssetDocument): readonly PlayableRendition[] {
  const { plan } = document;
  if (!plan) return [];
  const all = jobsOf(plan);
  const finished = isFinished(document);
  const fps = plan.rate.num / plan.rate.den;
  const video = [...plan.rungs, ...(plan.late ? [plan.late] : []), ...(plan.remux ? [plan.remux] : [])].map((rung) => ({
    track: trackOf(document, all, rung.renditionId),
    kind: 'video' as const,
    fps,
    renditionId: rung.renditionId,
    widthPx: rung.widthPx,
    heightPx: rung.heightPx,
    ceilingBps: rung.bitrateBps,
  }));
  const { audio } = plan;
  const sound = audio
    ? [
        {
          track: trackOf(document, all, audioRenditionId),
          kind: 'audio' as const,
          renditionId: audioRenditionId,
          ceilingBps: audio.bitrateBps,
          channels: audio.channels,
          ...(audio.language === undefined ? {} : { language: audio.language }),
        },
      ]
    : [];
  const anyWhole = video.some(({ track }) => track.isWhole && track.output);
  const listed = video.filter(({ track }) => !finished || track.isWhole || !anyWhole);
  return [...listed, ...sound].flatMap(({ track: { output, isWhole }, ...rendition }) =>
    output ? [{ ...rendition, output, isComplete: isWhole || finished }] : [],
  );
}

/** State that the document's facts amount to: watchable needs a picture, and sound unless there is none to come. */
export function stateOf(document: AssetDocument, playable: readonly PlayableRendition[]): AssetState {
  if (document.state === 'failed' || !document.plan) return document.state;
  const hasPicture = playable.some(({ kind }) => kind === 'video');
  if (isFinished(document)) return hasPicture ? 'ready' : 'failed';
  const sound = document.plan.audio && trackOf(document, jobsOf(document.plan), audioRenditionId);
  return hasPicture && (!sound || sound.output !== undefined || sound.isOver) ? 'watchable' : 'processing';
}

function stepsDone({ plan, jobs }: AssetDocument): ProcessingStep[] {
  if (!plan) return [];
  const all = jobsOf(plan);
  const over = (step: ProcessingStep): boolean =>
    all.some((job) => job.step === step) && all.every((job) => job.step !== step || isOver(jobs[job.jobId]));
  return ['probe', ...(['remux', 'opening', 'audio', 'ladder', 'poster', 'storyboard'] as const).filter(over)];
}

/** What everyone else is told of an asset at instant `now`. */
export function snapshotOf(document: AssetDocument, now: Date): Asset {
  const playable = playableRenditions(document);
  const { probe, plan, state, failure, jobs } = document;
  const progress = state === 'ready' ? 1 : plan && probe ? progressOf(plan, probe, jobs) : 0;
  const eta = state === 'processing' || state === 'watchable' ? etaSeconds(progress, document.plannedAt, now) : undefined;
  return {
    assetId: document._id,
    state,
    progress,
    ...(eta === undefined ? {} : { etaSeconds: eta }),
    ...(failure ? { failure: { reason: failure } } : {}),
    stepsDone: stepsDone(document),
    ...(probe ? { durationSeconds: probe.durationSeconds, widthPx: probe.video.widthPx, heightPx: probe.video.heightPx } : {}),
    hasPoster: jobs.poster?.state === 'done',
    hasStoryboard: jobs.storyboard?.state === 'done',
    renditions: playable.map(({ renditionId, kind, widthPx, heightPx, ceilingBps, output, isComplete }) => ({
      renditionId,
      kind,
      ...(widthPx === undefined || heightPx === undefined ? {} : { widthPx, heightPx }),
      bitrateBps: isComplete ? output.peakBps || ceilingBps : ceilingBps,
      codecs: output.codecs,
      complete: isComplete,
    })),
  };
}
