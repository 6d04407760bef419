import { BlobExistsError, type Blobs } from '@kinora/blobs';
import { assetPrefix, posterFile, storyboardFile, type ProcessingStep } from '@kinora/contracts';
import { NonRetryableError } from '@kinora/messaging';
import { audioArguments, chunkArguments, chunkStartTicks, posterArguments, remuxArguments, storyboardArguments } from './arguments.ts';
import type { Config } from './config.ts';
import type { RunFfmpeg } from './ffmpeg.ts';
import type { Output } from './output.ts';
import { packageStream, type PackageOptions } from './packager.ts';
import { audioRenditionId, originSeconds, segmentSeconds, type Job, type Plan } from './plan.ts';
import type { Probe } from './probe.ts';
import { renditionFile } from './store.ts';
import { planStoryboard, sheetFile, splitPictures, storyboardVtt } from './storyboard.ts';

export interface StepContext {
  readonly assetId: string;
  readonly job: Job;
  readonly plan: Plan;
  readonly probe: Probe;
  /** Path or URL of the source, as `withSource` gives it. */
  readonly location: string;
  /** Also ends when the source cannot be read any more. */
  readonly signal: AbortSignal;
  /** Told after each stored segment what a rendition has from this job. */
  readonly onOutput: (renditionId: string, output: Output) => void;
}

/** Does a job: stores its blobs under their fixed keys and returns what each rendition has from it. Doing it twice gives the same bytes. */
export type DoJob = (context: StepContext) => Promise<Readonly<Record<string, Output>>>;

export interface StepPorts {
  readonly blobs: Blobs;
  readonly ffmpeg: RunFfmpeg;
  readonly features: () => Promise<{ readonly hasZscale: boolean }>;
  readonly config: Config;
}

const background = 10;

/** The jobs that transcoding can do. */
export function openSteps(ports: StepPorts): DoJob {
  const steps: Readonly<Record<Exclude<ProcessingStep, 'probe'>, (ports: StepPorts, context: StepContext) => ReturnType<DoJob>>> = {
    remux: remuxSource,
    audio: makeAudio,
    opening: encodeChunk,
    ladder: encodeChunk,
    poster: makePoster,
    storyboard: makeStoryboard,
  };
  return (context) => {
    const { step } = context.job;
    if (step === 'probe') throw new NonRetryableError('probing comes before the plan');
    return steps[step](ports, context);
  };
}

/** An init segment is written by every job of its rendition: the same bytes, or the segments would not belong together. */
async function putInit(blobs: Blobs, key: string, bytes: Buffer): Promise<void> {
  try {
    await blobs.put(key, bytes, { ifAbsent: true });
  } catch (error) {
    if (!(error instanceof BlobExistsError)) throw error;
    if (!(await blobs.read(key)).equals(bytes)) throw new NonRetryableError(`${key} would change`, { cause: error });
  }
}

type Cutting = Pick<PackageOptions, 'startTicks' | 'firstSegment' | 'isCut'>;

async function packageRendition(
  { blobs }: StepPorts,
  context: StepContext,
  renditionId: string,
  { pipe, ended }: { readonly pipe: AsyncIterable<Buffer> | undefined; readonly ended: () => Promise<void> },
  cutting: Cutting,
): Promise<[string, Output][]> {
  const { assetId, onOutput } = context;
  const output =
    pipe &&
    (await packageStream(pipe, {
      ...cutting,
      ended,
      putInit: (bytes) => putInit(blobs, renditionFile(assetId, renditionId, 'init.mp4'), bytes),
      putSegment: async (segment, parts) =>
        void (await blobs.put(renditionFile(assetId, renditionId, `${segment}.m4s`), Buffer.concat(parts))),
      onSegment: (soFar) => onOutput(renditionId, soFar),
    }));
  return output ? [[renditionId, output]] : [];
}

/** Packages one output of ffmpeg whose first picture or audio packet is at `firstSeconds` of the asset's timeline. */
async function packageOnly(
  ports: StepPorts,
  context: StepContext,
  args: readonly string[],
  renditionId: string,
  firstSeconds: number,
  isCut: boolean,
): ReturnType<DoJob> {
  const startTicks = (timescale: number): number => Math.round((originSeconds + firstSeconds) * timescale);
  const options = { pipes: 1, signal: context.signal, niceness: 0 };
  const made = await ports.ffmpeg(args, options, ([pipe], ended) =>
    packageRendition(ports, context, renditionId, { pipe, ended }, { startTicks, firstSegment: 0, isCut }),
  );
  return Object.fromEntries(made);
}

function remuxSource(ports: StepPorts, context: StepContext): ReturnType<DoJob> {
  const { location, probe, plan, job } = context;
  return packageOnly(ports, context, remuxArguments(location, probe), job.renditionIds[0] ?? '', plan.firstPictureSeconds, false);
}

async function makeAudio(ports: StepPorts, context: StepContext): ReturnType<DoJob> {
  const { location, probe, plan } = context;
  if (!probe.audio || !plan.audio) return {};
  const args = audioArguments(location, probe.audio, plan.audio, segmentSeconds * 1_000_000);
  return packageOnly(ports, context, args, audioRenditionId, plan.audio.firstPacketSeconds, true);
}

async function encodeChunk(ports: StepPorts, context: StepContext): ReturnType<DoJob> {
  const { location, probe, plan, job, signal } = context;
  const { chunk, rungs = [] } = job;
  if (!chunk) throw new NonRetryableError('the job has no chunk');
  const { hasZscale } = await ports.features();
  const args = chunkArguments({ location, probe, plan, chunk, rungs, encoder: ports.config, hasZscale });
  const cutting = { startTicks: () => chunkStartTicks(plan, chunk), firstSegment: chunk.firstSegment, isCut: true };
  const options = { pipes: rungs.length, signal, niceness: job.step === 'opening' ? 0 : background };
  let work: readonly ReturnType<typeof packageRendition>[] = [];
  try {
    const made = await ports.ffmpeg(args, options, (pipes, ended) => {
      work = rungs.map((rung, at) => packageRendition(ports, context, rung.renditionId, { pipe: pipes[at], ended }, cutting));
      return Promise.all(work);
    });
    return Object.fromEntries(made.flat());
  } finally {
    // Nothing is stored any more once the job has ended, also when one rendition has failed before the others.
    await Promise.allSettled(work);
  }
}

async function readPictures({ ffmpeg }: StepPorts, args: readonly string[], signal: AbortSignal): Promise<readonly Buffer[]> {
  const bytes = await ffmpeg(args, { pipes: 1, signal, niceness: background }, async ([pipe]) => {
    const parts: Buffer[] = [];
    for await (const part of pipe ?? []) parts.push(part as Buffer);
    return Buffer.concat(parts);
  });
  return splitPictures(bytes);
}

/** Places to look for a poster, and how many bytes per thousand pixels make a picture more than black. */
const posterPlaces = [0.1, 0.3, 0.6, 0];
const blankBytesPerThousandPx = 12;

async function makePoster(ports: StepPorts, { assetId, location, probe, signal }: StepContext): ReturnType<DoJob> {
  const { hasZscale } = await ports.features();
  const { widthPx, heightPx } = probe.video;
  const scale = Math.min(1, 1280 / widthPx);
  let poster: Buffer | undefined;
  for (const place of posterPlaces) {
    const [picture] = await readPictures(
      ports,
      posterArguments(location, probe, place * probe.video.durationSeconds, hasZscale),
      signal,
    ).catch(() => []);
    signal.throwIfAborted();
    if (picture && (!poster || picture.length > poster.length)) poster = picture;
    if (poster && (poster.length * 1000) / (widthPx * heightPx * scale * scale) > blankBytesPerThousandPx) break;
  }
  if (!poster) throw new Error('no picture could be decoded');
  await ports.blobs.put(assetPrefix(assetId) + posterFile, poster);
  return {};
}

async function makeStoryboard(ports: StepPorts, { assetId, location, probe, signal }: StepContext): ReturnType<DoJob> {
  const { hasZscale } = await ports.features();
  const storyboard = planStoryboard(probe.durationSeconds, probe.video.widthPx, probe.video.heightPx);
  const sheets = await readPictures(ports, storyboardArguments(location, probe, storyboard, hasZscale), signal);
  if (sheets.length === 0) throw new Error('no picture could be decoded');
  for (const [sheet, picture] of sheets.entries()) await ports.blobs.put(assetPrefix(assetId) + sheetFile(sheet), picture);
  const vtt = storyboardVtt(storyboard, probe.durationSeconds, sheets.length);
  await ports.blobs.put(assetPrefix(assetId) + storyboardFile, Buffer.from(vtt));
  return {};
}
