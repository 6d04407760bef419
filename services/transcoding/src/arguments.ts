/** Arguments of ffmpeg and ffprobe: data in, arrays out, a reason per flag. Verified with ffmpeg 4.1 and 5.1. */
import type { Rung } from './ladder.ts';
import { originSeconds, ticksOf, type AudioPlan, type Chunk, type Plan } from './plan.ts';
import type { Probe, VideoProbe } from './probe.ts';
import type { StoryboardPlan } from './storyboard.ts';

/** Real containers only: no playlist, concat script, image, text or device demuxer can be reached from an uploaded file. */
const containers = 'mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,mpegts,mpeg,avi,flv,ogg,asf,mxf,rm,nut,dv,mpegvideo,h264,hevc,ivf,obu';
const largestAllocationBytes = 1024 * 1024 * 1024;

/** Where to read: a path, or a URL on loopback. */
const restricted = (location: string): string[] => [
  ...['-protocol_whitelist', location.startsWith('http:') ? 'http,tcp' : 'file'], // a container that refers to other files or hosts gets nothing
  ...['-format_whitelist', containers],
  ...['-max_alloc', String(largestAllocationBytes)], // a forged size must not take the machine's memory
];

/** Facts about streams, and packets of the first `seconds`: distances of keyframes, first times. */
export const probeArguments = (location: string, seconds: number): string[] => [
  ...['-v', 'error'],
  ...restricted(location),
  ...['-of', 'json'],
  '-show_format',
  '-show_streams',
  '-show_packets',
  ...['-read_intervals', `%+${seconds}`],
  ...['-show_entries', 'packet=stream_index,pts_time,flags'],
  location,
];

/** Ends of all packets, one a line, for containers that do not say how long they are. */
export const scanArguments = (location: string): string[] => [
  ...['-v', 'error'],
  ...restricted(location),
  ...['-of', 'csv=p=0'],
  ...['-show_entries', 'packet=pts_time'],
  location,
];

const quiet = [
  ...['-v', 'error'],
  '-nostdin', // ffmpeg must not wait for keys
  '-y',
];

const fragmented = (pipe: number): string[] => [
  ...['-map_metadata', '-1'], // a phone writes where it was
  ...['-map_chapters', '-1'],
  ...['-fflags', '+bitexact'], // doing it twice gives the same bytes
  ...['-avoid_negative_ts', 'disabled'], // times are set by the packager
  ...['-f', 'mp4'],
  ...['-movflags', '+frag_keyframe+empty_moov+default_base_moof+frag_discont+skip_trailer'], // init first, one fragment per keyframe, nothing to seek back to
  `pipe:${pipe}`,
];

/** The source's video as it is, to pipe 3. */
export const remuxArguments = (location: string, { video }: Probe): string[] => [
  ...quiet,
  ...restricted(location),
  ...['-i', location],
  ...['-map', `0:${video.index}`],
  ...['-c', 'copy'],
  ...fragmented(3),
];

/** The source's audio as a whole, copied or encoded as AAC stereo, to pipe 3. */
export const audioArguments = (location: string, audio: NonNullable<Probe['audio']>, plan: AudioPlan, segmentUs: number): string[] => [
  ...quiet,
  ...restricted(location),
  ...['-i', location],
  ...['-map', `0:${audio.index}`],
  ...(plan.mode === 'copy'
    ? ['-c', 'copy']
    : [
        ...['-af', 'aresample=48000:async=1:first_pts=0'], // begins at zero exactly; silence where the source has holes
        ...['-ac', '2'],
        ...['-c:a', 'aac'],
        ...['-b:a', String(plan.bitrateBps)],
        ...['-flags:a', '+bitexact'],
      ]),
  ...['-frag_duration', String(segmentUs)], // every audio frame is a keyframe: cut by time
  ...fragmented(3),
];

export interface EncoderSettings {
  readonly preset: string;
  readonly crf: number;
  /** Threads of each encoder; only 1 gives the same bytes each time. */
  readonly threads: number;
}

/** PQ and HLG to BT.709, where the build has zimg. */
const toneMap = [
  'zscale=t=linear:npl=100',
  'format=gbrpf32le',
  'zscale=p=bt709',
  'tonemap=tonemap=hable:desat=0',
  'zscale=t=bt709:m=bt709:r=tv',
  'format=yuv420p',
];

const colours = (video: VideoProbe, hasZscale: boolean): string[] => (video.isHdr && hasZscale ? toneMap : ['format=yuv420p']);
const deinterlace = (video: VideoProbe): string[] => (video.isInterlaced ? ['bwdif=mode=send_frame:deint=interlaced'] : []);

/** One decode, frames on the plan's grid, then scaled from each rung to the next lower one (bilinear: steps are less than two, and it takes half of bicubic's time). Outputs are labelled `[v0]`, … in the order of `rungs`. */
function cascade(plan: Plan, video: VideoProbe, rungs: readonly Rung[], leadFrames: number, hasZscale: boolean): string {
  const { num, den } = plan.rate;
  const leadSeconds = (leadFrames * den) / num;
  const grid = `fps=fps=${num}/${den}:start_time=${leadSeconds.toFixed(6)}:round=near`; // frames before the chunk are dropped, gaps filled with the picture shown then
  const links: string[] = [];
  let head = `[0:${video.index}]${[...deinterlace(video), grid, 'setpts=PTS-STARTPTS'].join(',')}`;
  for (let at = rungs.length - 1; at >= 0; at--) {
    const { widthPx, heightPx } = rungs[at] ?? { widthPx: 2, heightPx: 2 };
    const first = at === rungs.length - 1 ? colours(video, hasZscale) : [];
    const chain = [`scale=${widthPx}:${heightPx}:flags=bilinear`, 'setsar=1', ...first].join(',');
    const joint = head.endsWith(']') ? '' : ',';
    links.push(at === 0 ? `${head}${joint}${chain}[v0]` : `${head}${joint}${chain},split[v${at}][d${at}]`);
    head = `[d${at}]`;
  }
  return links.join(';');
}

function rungArguments(
  plan: Plan,
  rung: Rung,
  { preset, crf, threads }: EncoderSettings,
  frames: number | undefined,
  at: number,
): string[] {
  const gop = String(plan.framesPerSegment);
  return [
    ...['-map', `[v${at}]`],
    ...(frames === undefined ? [] : ['-frames:v', String(frames)]),
    ...['-c:v', 'libx264'],
    ...['-preset', preset],
    ...['-profile:v', 'high'],
    ...['-crf', String(crf)],
    ...['-maxrate', String(rung.bitrateBps)],
    ...['-bufsize', String(rung.bitrateBps * 2)],
    ...['-g', gop],
    ...['-keyint_min', gop],
    ...['-sc_threshold', '0'], // each segment starts with a keyframe and has no other: EXT-X-INDEPENDENT-SEGMENTS, RFC 8216 §4.3.5.1
    ...['-threads', String(threads)],
    ...['-flags:v', '+bitexact+cgop'], // no picture refers across a segment's border
    ...['-video_track_timescale', String(ticksOf(plan.rate).timescale)], // a frame is a whole number of ticks
    ...fragmented(3 + at),
  ];
}

export interface ChunkOptions {
  readonly location: string;
  readonly probe: Probe;
  readonly plan: Plan;
  readonly chunk: Chunk;
  /** Lowest first; rung `n` goes to pipe `3 + n`. */
  readonly rungs: readonly Rung[];
  readonly encoder: EncoderSettings;
  readonly hasZscale: boolean;
}

/** A chunk of the source, decoded once, to every rung. */
export function chunkArguments({ location, probe, plan, chunk, rungs, encoder, hasZscale }: ChunkOptions): string[] {
  const leadFrames = Math.min(chunk.firstFrame, plan.leadFrames);
  const seekSeconds = plan.phaseSeconds + ((chunk.firstFrame - leadFrames) * plan.rate.den) / plan.rate.num;
  const frames = chunk.isLast && !plan.isExact ? undefined : chunk.endFrame - chunk.firstFrame;
  return [
    ...quiet,
    ...restricted(location),
    '-noaccurate_seek', // the fps filter needs the picture before the chunk, not only those in it
    ...['-ss', seekSeconds.toFixed(6)],
    ...['-i', location],
    ...['-filter_complex', cascade(plan, probe.video, rungs, leadFrames, hasZscale)],
    ...rungs.flatMap((rung, at) => rungArguments(plan, rung, encoder, frames, at)),
  ];
}

/** First presentation of a chunk, in ticks of the encoded timeline. */
export function chunkStartTicks(plan: Plan, { firstFrame }: Chunk): number {
  const { timescale, frameTicks } = ticksOf(plan.rate);
  return Math.round((originSeconds + plan.phaseSeconds) * timescale) + firstFrame * frameTicks;
}

const picture = [
  '-an',
  '-sn',
  '-f',
  'image2pipe',
  '-c:v',
  'mjpeg',
  '-pix_fmt',
  'yuvj420p',
  '-fflags',
  '+bitexact',
  '-flags:v',
  '+bitexact',
  '-map_metadata',
  '-1',
];

/** The most telling picture of the 24 from `atSeconds` on, at most 1 280 px wide, to pipe 3. */
export const posterArguments = (location: string, { video }: Probe, atSeconds: number, hasZscale: boolean): string[] => {
  const scale = Math.min(1, 1280 / video.widthPx);
  const size = [video.widthPx, video.heightPx].map((px) => Math.max(2, Math.round((px * scale) / 2) * 2)).join(':');
  return [
    ...quiet,
    ...restricted(location),
    ...['-ss', atSeconds.toFixed(3)],
    ...['-i', location],
    ...['-map', `0:${video.index}`],
    ...['-frames:v', '1'],
    ...['-vf', [...deinterlace(video), 'thumbnail=24', `scale=${size}`, 'setsar=1', ...colours(video, hasZscale)].join(',')],
    ...['-q:v', '4'],
    ...picture,
    'pipe:3',
  ];
};

/** Sheets of tiles to pipe 3; of long sources only keyframes are decoded. */
export const storyboardArguments = (
  location: string,
  { video, durationSeconds }: Probe,
  plan: StoryboardPlan,
  hasZscale: boolean,
): string[] => [
  ...quiet,
  ...restricted(location),
  ...(durationSeconds > 120 || (durationSeconds > 10 && (video.longestGopSeconds ?? 10) <= 3) ? ['-skip_frame', 'nokey'] : []), // a picture within seconds is near enough for a tile
  ...['-i', location],
  ...['-map', `0:${video.index}`],
  '-vf',
  [
    `fps=fps=1/${plan.intervalSeconds}:start_time=0:round=up`,
    `scale=${plan.tileWidthPx}:${plan.tileHeightPx}`,
    'setsar=1',
    ...colours(video, hasZscale),
    `tile=${plan.columns}x${plan.rows}`,
  ].join(','),
  ...['-q:v', '5'],
  ...picture,
  'pipe:3',
];
