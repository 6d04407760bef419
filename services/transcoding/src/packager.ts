import { MalformedFragmentError, readBoxes, readTimes, readTrack, retime, type Box, type Track } from './fragments.ts';
import { addSegment, type Output } from './output.ts';
import { longestSegmentSeconds, segmentSeconds } from './plan.ts';

export interface PackageOptions {
  /** Presentation time of the first picture, or of the first audio packet, in ticks of the track. */
  readonly startTicks: (timescale: number) => number;
  /** Number of the first segment. */
  readonly firstSegment: number;
  /** Each fragment is a segment; else fragments are gathered until they last long enough. */
  readonly isCut: boolean;
  /** Resolves when whoever writes the stream has come to its end; rejects when it was stopped or has failed. */
  readonly ended: () => Promise<void>;
  readonly putInit: (bytes: Buffer) => Promise<void>;
  readonly putSegment: (segment: number, parts: readonly Buffer[]) => Promise<void>;
  readonly onSegment: (output: Output) => void;
}

/** A source's keyframes are too far apart for segments; it has to be encoded. */
export class SegmentTooLongError extends Error {
  override readonly name = 'SegmentTooLongError';
}

interface Pending {
  readonly parts: Buffer[];
  ticks: number;
}

/** Cuts the fragmented MP4 in `stream` into segments and stores each as it comes. Undefined when there was nothing in it. @throws {SegmentTooLongError} {MalformedFragmentError} */
export async function packageStream(stream: AsyncIterable<Buffer>, options: PackageOptions): Promise<Output | undefined> {
  const init: Buffer[] = [];
  let track: Track | undefined;
  let output: Output | undefined;
  let moof: Buffer | undefined;
  let shift: number | undefined;
  let sequence = options.firstSegment;
  let pending: Pending = { parts: [], ticks: 0 };
  const close = async (): Promise<void> => {
    if (!output || pending.parts.length === 0) return;
    await options.putSegment(options.firstSegment + output.segments, pending.parts);
    output = addSegment(
      output,
      pending.ticks,
      pending.parts.reduce((bytes, part) => bytes + part.length, 0),
    );
    pending = { parts: [], ticks: 0 };
    options.onSegment(output);
  };
  const add = async (header: Buffer, mdat: Buffer, of: Track): Promise<void> => {
    const times = readTimes(header, of);
    if (times.durationTicks === 0) return;
    shift ??= options.startTicks(of.timescale) - times.baseTicks - times.firstPictureTicks;
    retime(header, times.baseTicks + shift, ++sequence);
    const longestTicks = longestSegmentSeconds * of.timescale;
    if (!options.isCut && pending.ticks + times.durationTicks > longestTicks) await close();
    if (!options.isCut && times.durationTicks > longestTicks) throw new SegmentTooLongError('keyframes are too far apart');
    pending.parts.push(header, mdat);
    pending.ticks += times.durationTicks;
    if (options.isCut || pending.ticks >= (segmentSeconds - 0.1) * of.timescale) await close();
  };
  for await (const { type, bytes } of readBoxes(stream) as AsyncIterable<Box>) {
    if (type === 'ftyp') init.push(bytes);
    else if (type === 'moov') {
      track = readTrack(bytes);
      output = { timescale: track.timescale, codecs: track.codecs, runs: [], segments: 0, bytes: 0, peakBps: 0 };
      await options.putInit(Buffer.concat([...init, bytes]));
    } else if (type === 'moof') moof = bytes;
    else if (type === 'mdat') {
      if (!track || !moof) throw new MalformedFragmentError('mdat comes before moof');
      await add(moof, bytes, track);
      moof = undefined;
    }
  }
  // A stream that was cut off ends too, and what it has of its last segment would be stored as if it were all of it.
  if (pending.parts.length > 0) await options.ended();
  await close();
  return output;
}
