/** HLS playlists (RFC 8216): data in, text out. */
import { secondsOf, type Output } from './output.ts';

export interface PlayableRendition {
  readonly renditionId: string;
  readonly kind: 'video' | 'audio';
  readonly widthPx?: number;
  readonly heightPx?: number;
  /** Frames per second. */
  readonly fps?: number;
  /** Bits per second that the plan expects at most. */
  readonly ceilingBps: number;
  readonly channels?: number;
  readonly language?: string;
  readonly output: Output;
  readonly isComplete: boolean;
}

/** Playlist of one rendition: grows only at its end, as EVENT demands (§4.3.3.5), and is closed once complete. `targetSeconds` is whole and never changes (§4.3.3.1). */
export function mediaPlaylist(output: Output, targetSeconds: number, isComplete: boolean): string {
  const lines = [
    '#EXTM3U',
    '#EXT-X-VERSION:7',
    `#EXT-X-TARGETDURATION:${targetSeconds}`,
    '#EXT-X-MEDIA-SEQUENCE:0',
    '#EXT-X-PLAYLIST-TYPE:EVENT',
    '#EXT-X-INDEPENDENT-SEGMENTS',
    '#EXT-X-MAP:URI="init.mp4"',
  ];
  let segment = 0;
  for (const [count, ticks] of output.runs) {
    const duration = `#EXTINF:${(ticks / output.timescale).toFixed(6)},`;
    for (let nth = 0; nth < count; nth++) lines.push(duration, `${segment++}.m4s`);
  }
  if (isComplete) lines.push('#EXT-X-ENDLIST');
  return `${lines.join('\n')}\n`;
}

const averageBps = (output: Output): number => Math.ceil((output.bytes * 8) / Math.max(0.1, secondsOf(output)));
/** What BANDWIDTH has to bound: while a rendition grows, its ceiling stands for the segments to come. */
const peakBps = ({ output, isComplete, ceilingBps }: PlayableRendition): number =>
  Math.max(output.peakBps, averageBps(output), isComplete ? 0 : ceilingBps);

function streamLines(video: PlayableRendition, audio: PlayableRendition | undefined): string[] {
  const attributes = [
    `BANDWIDTH=${peakBps(video) + (audio ? peakBps(audio) : 0)}`,
    `AVERAGE-BANDWIDTH=${averageBps(video.output) + (audio ? averageBps(audio.output) : 0)}`,
    `CODECS="${[video, audio].flatMap((rendition) => rendition?.output.codecs ?? []).join(',')}"`,
    `RESOLUTION=${video.widthPx ?? 0}x${video.heightPx ?? 0}`,
    ...(video.fps === undefined ? [] : [`FRAME-RATE=${video.fps.toFixed(3)}`]),
    ...(audio ? ['AUDIO="audio"'] : []),
  ];
  return [`#EXT-X-STREAM-INF:${attributes.join(',')}`, `${video.renditionId}/main.m3u8`];
}

/** Top playlist over every rendition that has something to play, video in the given order; players start with the first they can carry. */
export function multivariantPlaylist(renditions: readonly PlayableRendition[]): string {
  const audio = renditions.find(({ kind }) => kind === 'audio');
  const language = audio?.language === undefined ? '' : `LANGUAGE="${audio.language}",`;
  const group = audio
    ? [
        `#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID="audio",NAME="Audio",${language}DEFAULT=YES,AUTOSELECT=YES,CHANNELS="${audio.channels ?? 2}",URI="${audio.renditionId}/main.m3u8"`,
      ]
    : [];
  const streams = renditions.filter(({ kind }) => kind === 'video').flatMap((video) => streamLines(video, audio));
  return `${['#EXTM3U', '#EXT-X-VERSION:7', '#EXT-X-INDEPENDENT-SEGMENTS', ...group, ...streams].join('\n')}\n`;
}
