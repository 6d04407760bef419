import Hls, { ErrorDetails, ErrorTypes, Events, type ErrorData, type HlsConfig } from 'hls.js';

/** A video rendition that can be chosen. */
export interface Quality {
  /** Position in the manifest, lowest bitrate first. */
  readonly index: number;
  /** Shorter side of the picture, as people name qualities. */
  readonly linesPx: number;
  readonly bitrateBps: number;
}

/** Why nothing can be played: addresses no longer valid, bytes that do not arrive, or a format the browser lacks. */
export type PlayerFault = 'expired' | 'network' | 'unsupported';

/** What the player tells the page. */
export interface PlayerListeners {
  /** All qualities, lowest first, whenever a manifest was read; empty where the browser chooses by itself. */
  readonly onQualities: (qualities: readonly Quality[]) => void;
  /** Index of the quality that is now on the screen. */
  readonly onShown: (index: number) => void;
  readonly onFault: (fault: PlayerFault) => void;
}

/** Plays HLS in a `<video>` element. */
export interface HlsPlayer {
  /** Opens a manifest at a position in seconds; the element keeps playing or stays paused as it was. */
  load(manifestUrl: string, positionSeconds: number): void;
  /** Keeps to a quality from the next segment on; undefined lets the player choose. */
  choose(index: number | undefined): void;
  /** Tries again after a `network` fault. */
  retry(): void;
  close(): void;
}

const mostRecoveries = 2;

const config: Partial<HlsConfig> = {
  autoStartLoad: false, // The position to begin at is given to startLoad.
  enableWorker: false, // Segments are CMAF already; there is nothing to remultiplex off the main thread.
  capLevelToPlayerSize: true,
  backBufferLength: 60,
  abrEwmaDefaultEstimate: 3_000_000, // Bps to begin with, so that the first seconds are not the lowest rendition.
  enableCEA708Captions: false,
  enableIMSC1: false,
};

const linesOf = (width: number, height: number): number => Math.min(width || height, height || width);

function faultOf({ type, response, details }: ErrorData): PlayerFault {
  if (type === ErrorTypes.NETWORK_ERROR && (response?.code === 401 || response?.code === 403)) return 'expired';
  if (type === ErrorTypes.NETWORK_ERROR && details !== ErrorDetails.MANIFEST_PARSING_ERROR) return 'network';
  return 'unsupported';
}

function openHlsJs(media: HTMLVideoElement, listeners: PlayerListeners): HlsPlayer {
  const hls = new Hls(config);
  let startSeconds = 0;
  let url = '';
  let recoveries = 0;
  hls.on(Events.MANIFEST_PARSED, () => {
    listeners.onQualities(
      hls.levels.map((level, index) => ({ index, linesPx: linesOf(level.width, level.height), bitrateBps: level.bitrate })),
    );
    hls.startLoad(startSeconds);
  });
  hls.on(Events.LEVEL_SWITCHED, (_event, { level }) => listeners.onShown(level));
  hls.on(Events.ERROR, (_event, data) => {
    if (!data.fatal) return;
    if (
      data.type === ErrorTypes.MEDIA_ERROR &&
      data.details !== ErrorDetails.MANIFEST_INCOMPATIBLE_CODECS_ERROR &&
      recoveries < mostRecoveries
    ) {
      recoveries += 1;
      hls.recoverMediaError();
      return;
    }
    listeners.onFault(faultOf(data));
  });
  hls.attachMedia(media);
  return {
    load: (manifestUrl, positionSeconds) => {
      url = manifestUrl;
      startSeconds = positionSeconds;
      recoveries = 0;
      hls.loadSource(manifestUrl);
    },
    choose: (index) => {
      hls.nextLevel = index ?? -1;
    },
    retry: () => {
      if (hls.levels.length > 0) hls.startLoad(media.currentTime);
      else hls.loadSource(url);
    },
    close: () => hls.destroy(),
  };
}

/** Safari before Managed Media Source: the element reads playlists itself and chooses the quality. */
function openNative(media: HTMLVideoElement, listeners: PlayerListeners): HlsPlayer {
  let url = '';
  const aborter = new AbortController();
  const load = (manifestUrl: string, positionSeconds: number): void => {
    const wasPlaying = !media.paused;
    url = manifestUrl;
    media.src = manifestUrl;
    const seek = (): void => {
      media.currentTime = positionSeconds;
      if (wasPlaying) void media.play().catch(() => undefined);
    };
    media.addEventListener('loadedmetadata', seek, { once: true, signal: aborter.signal });
  };
  const onError = (): void => listeners.onFault(media.error?.code === MediaError.MEDIA_ERR_SRC_NOT_SUPPORTED ? 'expired' : 'network');
  media.addEventListener('error', onError, { signal: aborter.signal });
  return {
    load,
    choose: () => undefined,
    retry: () => load(url, media.currentTime),
    close: () => {
      aborter.abort();
      media.removeAttribute('src');
      media.load();
    },
  };
}

/** Opens a player on a `<video>` element: hls.js where Media Source Extensions exist, else the browser's own HLS; undefined when it has neither. */
export function openHlsPlayer(media: HTMLVideoElement, listeners: PlayerListeners): HlsPlayer | undefined {
  if (Hls.isSupported()) return openHlsJs(media, listeners);
  if (media.canPlayType('application/vnd.apple.mpegurl') !== '') return openNative(media, listeners);
  return undefined;
}
