/** Fragmented MP4 as ffmpeg writes it to a pipe: cut at `moof`, timed anew. ISO/IEC 14496-12; box names are its own. */

export interface Box {
  readonly type: string;
  /** The whole box, header included. */
  readonly bytes: Buffer;
}

/** What an init segment says about its one track. */
export interface Track {
  /** Ticks per second. */
  readonly timescale: number;
  /** RFC 6381, e.g. `avc1.64001f`. */
  readonly codecs: string;
  readonly defaultTicks: number;
}

export interface FragmentTimes {
  /** Decode time of the first sample as written, signed: ffmpeg wraps AAC's priming into a huge unsigned number. */
  readonly baseTicks: number;
  readonly durationTicks: number;
  /** From decode time of the first sample to the earliest presentation in the fragment. */
  readonly firstPictureTicks: number;
}

/** The stream is not fragmented MP4 with one track. */
export class MalformedFragmentError extends Error {
  override readonly name = 'MalformedFragmentError';
}

const headerBytes = 8;
const largestBoxBytes = 512 * 1024 * 1024;

/** The boxes of `stream`, each whole, in order; a cut-off last box is left out. @throws {MalformedFragmentError} */
export async function* readBoxes(stream: AsyncIterable<Buffer>): AsyncGenerator<Box> {
  let parts: Buffer[] = [];
  let held = 0;
  let wanted = headerBytes;
  for await (const part of stream) {
    parts.push(part);
    held += part.length;
    while (held >= wanted) {
      const bytes = parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts, held);
      const size = bytes.readUInt32BE(0);
      if (size < headerBytes || size > largestBoxBytes) throw new MalformedFragmentError(`a box cannot have ${size} bytes`);
      parts = [bytes];
      wanted = size;
      if (held < size) break;
      yield { type: bytes.toString('latin1', 4, 8), bytes: bytes.subarray(0, size) };
      held -= size;
      parts = held > 0 ? [bytes.subarray(size)] : [];
      wanted = headerBytes;
    }
  }
}

/** Boxes directly inside `bytes` from `start` on. */
function* children(bytes: Buffer, start: number): Generator<Box> {
  for (let at = start; at + headerBytes <= bytes.length;) {
    const size = bytes.readUInt32BE(at);
    if (size < headerBytes || at + size > bytes.length) throw new MalformedFragmentError('a box is larger than what holds it');
    yield { type: bytes.toString('latin1', at + 4, at + 8), bytes: bytes.subarray(at, at + size) };
    at += size;
  }
}

/** The box at `path` below `bytes`. @throws {MalformedFragmentError} when there is none */
function find(bytes: Buffer, ...path: readonly string[]): Buffer {
  let found = bytes;
  for (const type of path) {
    const inner: Box | undefined = children(found, headerBytes).find((box) => box.type === type);
    if (!inner) throw new MalformedFragmentError(`${path.join('/')} is missing`);
    found = inner.bytes;
  }
  return found;
}

function readCodecs(stsd: Buffer): string {
  const entry = children(stsd, 16).find(() => true);
  if (entry?.type === 'mp4a') return 'mp4a.40.2';
  if (entry?.type !== 'avc1') throw new MalformedFragmentError(`a track holds ${entry?.type ?? 'nothing'}`);
  const avcC = children(entry.bytes, 86).find(({ type }) => type === 'avcC');
  if (!avcC) throw new MalformedFragmentError('avcC is missing');
  return `avc1.${avcC.bytes.toString('hex', 9, 12)}`;
}

/** Facts in a `moov`. @throws {MalformedFragmentError} */
export function readTrack(moov: Buffer): Track {
  const mdhd = find(moov, 'trak', 'mdia', 'mdhd');
  return {
    timescale: mdhd.readUInt32BE(mdhd[8] === 1 ? 28 : 20),
    codecs: readCodecs(find(moov, 'trak', 'mdia', 'minf', 'stbl', 'stsd')),
    defaultTicks: find(moov, 'mvex', 'trex').readUInt32BE(20),
  };
}

/** `default_sample_duration` of a `tfhd`, if it has one (flags, 8.8.7). */
function readDefaultTicks(tfhd: Buffer): number | undefined {
  const flags = tfhd.readUIntBE(9, 3);
  const before = (flags & 0x1 ? 8 : 0) + (flags & 0x2 ? 4 : 0);
  return flags & 0x8 ? tfhd.readUInt32BE(16 + before) : undefined;
}

interface Run {
  readonly durationTicks: number;
  readonly firstPictureTicks: number;
}

/** Sums a `trun` (8.8.8). */
function readRun(trun: Buffer, defaultTicks: number): Run {
  const flags = trun.readUIntBE(9, 3);
  const isSigned = trun[8] !== 0;
  const count = trun.readUInt32BE(12);
  let at = 16 + (flags & 0x1 ? 4 : 0) + (flags & 0x4 ? 4 : 0);
  let durationTicks = 0;
  let firstPictureTicks = count > 0 ? Number.POSITIVE_INFINITY : 0;
  for (let sample = 0; sample < count; sample++) {
    const ticks = flags & 0x100 ? trun.readUInt32BE(at) : defaultTicks;
    at += (flags & 0x100 ? 4 : 0) + (flags & 0x200 ? 4 : 0) + (flags & 0x400 ? 4 : 0);
    const offset = flags & 0x800 ? (isSigned ? trun.readInt32BE(at) : trun.readUInt32BE(at)) : 0;
    at += flags & 0x800 ? 4 : 0;
    firstPictureTicks = Math.min(firstPictureTicks, durationTicks + offset);
    durationTicks += ticks;
  }
  return { durationTicks, firstPictureTicks };
}

/** When the samples of a `moof` are decoded and shown. @throws {MalformedFragmentError} */
export function readTimes(moof: Buffer, track: Track): FragmentTimes {
  const traf = find(moof, 'traf');
  const tfdt = find(traf, 'tfdt');
  const defaultTicks = readDefaultTicks(find(traf, 'tfhd')) ?? track.defaultTicks;
  let durationTicks = 0;
  let firstPictureTicks = Number.POSITIVE_INFINITY;
  for (const { type, bytes } of children(traf, headerBytes)) {
    if (type !== 'trun') continue;
    const run = readRun(bytes, defaultTicks);
    firstPictureTicks = Math.min(firstPictureTicks, durationTicks + run.firstPictureTicks);
    durationTicks += run.durationTicks;
  }
  const baseTicks = tfdt[8] === 1 ? Number(tfdt.readBigInt64BE(12)) : tfdt.readInt32BE(12);
  return { baseTicks, durationTicks, firstPictureTicks: Number.isFinite(firstPictureTicks) ? firstPictureTicks : 0 };
}

/** Writes decode time (ticks ≥ 0) and sequence number into a `moof`, in place. @throws {MalformedFragmentError} */
export function retime(moof: Buffer, baseTicks: number, sequence: number): void {
  if (baseTicks < 0) throw new MalformedFragmentError(`a fragment would start at ${baseTicks} ticks`);
  const tfdt = find(moof, 'traf', 'tfdt');
  if (tfdt[8] !== 1) throw new MalformedFragmentError('tfdt has 32 bits');
  tfdt.writeBigUInt64BE(BigInt(baseTicks), 12);
  find(moof, 'mfhd').writeUInt32BE(sequence, 12);
}
