import type { FailureReason } from '@kinora/contracts';

/** An exact ratio, e.g. 30000/1001 frames per second. */
export interface Fraction {
  readonly num: number;
  readonly den: number;
}

export interface VideoProbe {
  readonly index: number;
  readonly codec: string;
  readonly profile: string;
  readonly level: number;
  readonly pixelFormat: string;
  /** Displayed size: square pixels, rotation applied. */
  readonly widthPx: number;
  readonly heightPx: number;
  readonly rotationDegrees: number;
  readonly hasSquarePixels: boolean;
  readonly isInterlaced: boolean;
  /** PQ or HLG transfer: has to be tone-mapped. */
  readonly isHdr: boolean;
  /** Frames per second to encode at: the source's own when constant, else the next usual rate; at most 60. */
  readonly rate: Fraction;
  /** Number of frames at `rate`, known exactly only for a constant rate. */
  readonly frames: number | undefined;
  /** Presentation time of the first frame on the source's own clock. */
  readonly startSeconds: number;
  readonly durationSeconds: number;
  /** Longest distance of keyframes seen at the beginning; undefined when fewer than two were seen. */
  readonly longestGopSeconds: number | undefined;
  /** The first packet is a keyframe and the first picture shown. */
  readonly startsClean: boolean;
  readonly bitrateBps: number;
}

export interface AudioProbe {
  readonly index: number;
  readonly codec: string;
  readonly profile: string;
  readonly channels: number;
  readonly sampleRateHz: number;
  readonly bitrateBps: number;
  /** Time of the first packet on the source's own clock, priming included (may be negative). */
  readonly firstPacketSeconds: number;
  /** ISO 639 code, when the source names one. */
  readonly language: string | undefined;
}

/** Facts about a source, read once and never changed. */
export interface Probe {
  readonly container: string;
  /** Earliest time on the source's clock: what ffmpeg maps to zero. */
  readonly startSeconds: number;
  readonly durationSeconds: number;
  readonly video: VideoProbe;
  readonly audio: AudioProbe | undefined;
}

/** The source can never become something to watch; `reason` says why in the contract's words. */
export class UnusableSourceError extends Error {
  override readonly name = 'UnusableSourceError';
  readonly reason: FailureReason;
  constructor(reason: FailureReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}

interface RawStream {
  readonly index: number;
  readonly codec_type?: string;
  readonly codec_name?: string;
  readonly profile?: string;
  readonly level?: number;
  readonly pix_fmt?: string;
  readonly width?: number;
  readonly height?: number;
  readonly sample_aspect_ratio?: string;
  readonly field_order?: string;
  readonly color_transfer?: string;
  readonly r_frame_rate?: string;
  readonly avg_frame_rate?: string;
  readonly start_time?: string;
  readonly duration?: string;
  readonly bit_rate?: string;
  readonly nb_frames?: string;
  readonly channels?: number;
  readonly sample_rate?: string;
  readonly disposition?: { readonly attached_pic?: number };
  readonly tags?: Readonly<Record<string, string>>;
  readonly side_data_list?: readonly { readonly rotation?: number }[];
}
interface RawPacket {
  readonly stream_index: number;
  readonly pts_time?: string;
  readonly flags?: string;
}

/** What `ffprobe -of json -show_format -show_streams -show_packets` prints, as far as it is used. */
export interface RawProbe {
  readonly format?: { readonly format_name?: string; readonly start_time?: string; readonly duration?: string; readonly bit_rate?: string };
  readonly streams?: readonly RawStream[];
  readonly packets?: readonly RawPacket[];
}

const usualRates: readonly Fraction[] = [
  ...[10, 12, 15, 20].map((num) => ({ num, den: 1 })),
  { num: 24000, den: 1001 },
  { num: 24, den: 1 },
  { num: 25, den: 1 },
  { num: 30000, den: 1001 },
  { num: 30, den: 1 },
  { num: 48, den: 1 },
  { num: 50, den: 1 },
  { num: 60000, den: 1001 },
  { num: 60, den: 1 },
];
const highest: Fraction = { num: 60, den: 1 };

const number = (value: string | number | undefined): number | undefined => {
  const parsed = value === undefined ? Number.NaN : Number(value);
  return Number.isFinite(parsed) ? parsed : undefined;
};
const ratio = (value: string | undefined): number => {
  const [num = 0, den = 1] = (value ?? '').split(/[/:]/).map(Number);
  return den > 0 && Number.isFinite(num / den) ? num / den : 0;
};
const value = ({ num, den }: Fraction): number => num / den;
const clock = (text: string | undefined): number | undefined => {
  const [hours, minutes, seconds] = (text ?? '').split(':').map(Number);
  return number((hours ?? Number.NaN) * 3600 + (minutes ?? Number.NaN) * 60 + (seconds ?? Number.NaN));
};

/** Rate to encode at for a nominal and an average rate as ffprobe prints them (`30/1`); at most 60. Constant when frames keep the nominal rate. */
export function encodingRate(nominal: string | undefined, average: string | undefined): { rate: Fraction; isConstant: boolean } {
  const base = ratio(nominal);
  const mean = ratio(average) || base;
  const isSteady = base > 0 && Math.abs(base - mean) / base < 0.03;
  const usualAt = (fps: number): Fraction | undefined => usualRates.find((rate) => Math.abs(value(rate) - fps) / fps < 0.0003);
  if (isSteady && base <= 60.01) {
    const usual = usualAt(base);
    return { rate: usual ?? { num: Math.max(1000, Math.round(base * 1000)), den: 1000 }, isConstant: Math.abs(base - mean) / base < 0.001 };
  }
  const wanted = isSteady ? base / Math.ceil(base / 60.01) : mean;
  return { rate: usualAt(wanted) ?? usualRates.find((rate) => value(rate) >= wanted * 0.985) ?? highest, isConstant: false };
}

function readRotation({ side_data_list: sideData, tags }: RawStream): number {
  const degrees = sideData?.find(({ rotation }) => rotation !== undefined)?.rotation ?? number(tags?.rotate) ?? 0;
  return ((Math.round(degrees) % 360) + 360) % 360;
}

function readGops(
  packets: readonly RawPacket[],
): Pick<VideoProbe, 'longestGopSeconds' | 'startsClean'> & { readonly firstSeconds: number | undefined } {
  const times = packets.map(({ pts_time: time }) => number(time)).filter((time) => time !== undefined);
  const keys = packets.filter(({ flags }) => flags?.startsWith('K')).map(({ pts_time: time }) => number(time) ?? 0);
  const gaps = keys.slice(1).map((time, at) => time - (keys[at] ?? 0));
  const firstSeconds = times.length > 0 ? Math.min(...times) : undefined;
  const last = keys.at(-1);
  if (last !== undefined && keys.length > 1) gaps.push(Math.max(...times) - last);
  return {
    longestGopSeconds: gaps.length > 0 ? Math.max(...gaps) : undefined,
    startsClean:
      packets[0]?.flags?.startsWith('K') === true &&
      firstSeconds !== undefined &&
      keys[0] === firstSeconds &&
      keys.every((time, at) => at === 0 || time > (keys[at - 1] ?? 0)),
    firstSeconds,
  };
}

function readVideo(raw: RawProbe, stream: RawStream, startSeconds: number, totalSeconds: number): VideoProbe {
  const { width = 0, height = 0 } = stream;
  if (width < 2 || height < 2) throw new UnusableSourceError('unreadable', 'the video stream has no size');
  if (stream.codec_name === undefined || stream.codec_name === 'unknown')
    throw new UnusableSourceError('unsupported', 'the video codec is unknown');
  const rotationDegrees = readRotation(stream);
  const aspect = ratio(stream.sample_aspect_ratio) || 1;
  const shown = aspect >= 1 ? [width * aspect, height] : [width, height / aspect];
  const [shownWidth = 0, shownHeight = 0] = rotationDegrees % 180 === 90 ? shown.toReversed() : shown;
  const { rate, isConstant } = encodingRate(stream.r_frame_rate, stream.avg_frame_rate);
  const { firstSeconds, ...gops } = readGops((raw.packets ?? []).filter(({ stream_index: index }) => index === stream.index));
  const videoStart = firstSeconds ?? number(stream.start_time) ?? startSeconds;
  const tagged = clock(stream.tags?.DURATION);
  const durationSeconds =
    number(stream.duration) ?? (tagged === undefined ? totalSeconds + startSeconds - videoStart : tagged - Math.max(0, videoStart));
  const frames = number(stream.nb_frames);
  return {
    index: stream.index,
    codec: stream.codec_name,
    profile: stream.profile ?? '',
    level: stream.level ?? 0,
    pixelFormat: stream.pix_fmt ?? '',
    widthPx: Math.round(shownWidth),
    heightPx: Math.round(shownHeight),
    rotationDegrees,
    hasSquarePixels: Math.abs(aspect - 1) < 0.001,
    isInterlaced: ['tt', 'bb', 'tb', 'bt'].includes(stream.field_order ?? ''),
    isHdr: ['smpte2084', 'arib-std-b67'].includes(stream.color_transfer ?? ''),
    rate,
    frames: isConstant && frames !== undefined && Math.abs(frames / value(rate) - durationSeconds) < 1 ? frames : undefined,
    startSeconds: videoStart,
    durationSeconds,
    ...gops,
    bitrateBps: number(stream.bit_rate) ?? number(raw.format?.bit_rate) ?? 0,
  };
}

function readAudio(raw: RawProbe, stream: RawStream): AudioProbe {
  const first = raw.packets?.find(({ stream_index: index }) => index === stream.index);
  const language = stream.tags?.language;
  return {
    index: stream.index,
    codec: stream.codec_name ?? '',
    profile: stream.profile ?? '',
    channels: stream.channels ?? 2,
    sampleRateHz: number(stream.sample_rate) ?? 48_000,
    bitrateBps: number(stream.bit_rate) ?? 0,
    firstPacketSeconds: number(first?.pts_time) ?? number(stream.start_time) ?? 0,
    language: language !== undefined && /^[a-z]{2,3}$/.test(language) && language !== 'und' ? language : undefined,
  };
}

/**
 * The facts in what ffprobe printed; `endSeconds` is where the last packet ends, for containers that do not say how long they are.
 * @throws {UnusableSourceError} not-a-video, unreadable, unsupported
 */
export function readProbe(raw: RawProbe, endSeconds?: number): Probe {
  const streams = raw.streams ?? [];
  const video = streams.find(({ codec_type: type, disposition }) => type === 'video' && disposition?.attached_pic !== 1);
  if (!video) throw new UnusableSourceError('not-a-video', 'the source has no video stream');
  const audio = streams.find(
    ({ codec_type: type, codec_name: codec, channels }) =>
      type === 'audio' && codec !== undefined && codec !== 'unknown' && (channels ?? 0) > 0,
  );
  const startSeconds = number(raw.format?.start_time) ?? 0;
  const durationSeconds =
    number(raw.format?.duration) ?? number(video.duration) ?? (endSeconds === undefined ? undefined : endSeconds - startSeconds);
  if (durationSeconds === undefined || durationSeconds <= 0) throw new UnusableSourceError('unreadable', 'the source has no duration');
  return {
    container: raw.format?.format_name ?? '',
    startSeconds,
    durationSeconds,
    video: readVideo(raw, video, startSeconds, durationSeconds),
    audio: audio && readAudio(raw, audio),
  };
}

/** True when the container does not say how long it is, so that its packets have to be read to the end. */
export const lacksDuration = (raw: RawProbe): boolean =>
  number(raw.format?.duration) === undefined &&
  (raw.streams ?? []).some(({ codec_type: type, duration }) => type === 'video' && number(duration) === undefined);
