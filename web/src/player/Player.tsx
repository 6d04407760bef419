import type { Asset, Playback } from '@kinora/contracts';
import {
  MediaCaptionsButton,
  MediaController,
  MediaFullscreenButton,
  MediaLoadingIndicator,
  MediaMuteButton,
  MediaPipButton,
  MediaPlayButton,
  MediaSeekBackwardButton,
  MediaSeekForwardButton,
  MediaTimeDisplay,
  MediaTimeRange,
  MediaVolumeRange,
} from 'media-chrome/react';
import { RotateCcw, RotateCw } from 'lucide-react';
import { addTranslation } from 'media-chrome/utils/i18n';
import { useEffect, useRef, useState, type ComponentRef, type CSSProperties, type ReactNode } from 'react';
import { Button } from '../components/Button.tsx';
import { useText } from '../i18n/settings.ts';
import { startPosition } from './choices.ts';
import { koControls } from './ko-controls.ts';
import styles from './Player.module.css';
import { SettingsMenu } from './SettingsMenu.tsx';
import { useHls, type Playing } from './use-hls.ts';
import { usePageKeys } from './use-page-keys.ts';

addTranslation('ko', koControls);

interface Props {
  readonly title: string;
  readonly playback: Playback;
  readonly asset: Asset;
  readonly posterUrl: string | undefined;
  /** The addresses of `playback` are no longer valid. */
  readonly onExpired: () => void;
  /** How much there is to watch so far, in seconds. */
  readonly onAvailable: (seconds: number) => void;
}

/** The last picture, drawn over the element while it has none of its own. */
function freeze(media: HTMLVideoElement, canvas: HTMLCanvasElement): void {
  if (media.readyState < HTMLMediaElement.HAVE_CURRENT_DATA || (media.currentTime === 0 && media.paused)) return;
  canvas.width = media.videoWidth;
  canvas.height = media.videoHeight;
  canvas.getContext('2d')?.drawImage(media, 0, 0);
  canvas.hidden = false;
  const thaw = (): void => {
    canvas.hidden = true;
    for (const moment of ['seeked', 'playing', 'error']) media.removeEventListener(moment, thaw);
  };
  for (const moment of ['seeked', 'playing', 'error']) media.addEventListener(moment, thaw);
}

function Fault({ playing }: { readonly playing: Playing }): ReactNode {
  const { t } = useText();
  if (playing.fault === undefined || playing.fault === 'expired') return null;
  return (
    <div className={styles['fault']} role="alert" data-test="player-fault">
      <p>{playing.fault === 'network' ? t.watch.playbackFailed : t.watch.unsupported}</p>
      {playing.fault === 'network' && (
        <Button kind="primary" onClick={playing.retry} data-test="player-retry">
          {t.common.retry}
        </Button>
      )}
    </div>
  );
}

/** Tells screen readers to pass over the picture above the seek bar, for which media-chrome has no text. */
function nameThumbnail(range: HTMLElement | null): void {
  range?.shadowRoot?.querySelector('media-preview-thumbnail')?.shadowRoot?.querySelector('img')?.setAttribute('alt', '');
}

function Bar({ hasSubtitles, menu }: { readonly hasSubtitles: boolean; readonly menu: ReactNode }): ReactNode {
  return (
    <div className={styles['controls']}>
      <MediaTimeRange ref={nameThumbnail} className={styles['range']} />
      <div className={styles['bar']}>
        <MediaPlayButton data-test="player-play" />
        <MediaSeekBackwardButton seekOffset={10} noTooltip className={styles['secondary']}>
          <RotateCcw slot="icon" aria-hidden="true" />
        </MediaSeekBackwardButton>
        <MediaSeekForwardButton seekOffset={10} noTooltip className={styles['secondary']}>
          <RotateCw slot="icon" aria-hidden="true" />
        </MediaSeekForwardButton>
        <MediaMuteButton data-test="player-mute" />
        <MediaVolumeRange className={[styles['volume'], styles['secondary']].join(' ')} />
        <MediaTimeDisplay showDuration className={styles['time']} noToggle data-test="player-time" />
        <span className={styles['gap']} />
        {hasSubtitles && <MediaCaptionsButton data-test="player-captions" />}
        {menu}
        <MediaPipButton className={styles['secondary']} />
        <MediaFullscreenButton data-test="player-fullscreen" />
      </div>
    </div>
  );
}

/** Plays a video: adaptive, while it still grows, with our own controls. */
export function Player({ title, playback, asset, posterUrl, onExpired, onAvailable }: Props): ReactNode {
  const { t, language } = useText();
  const video = useRef<HTMLVideoElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const controller = useRef<ComponentRef<typeof MediaController>>(null);
  const [speed, setSpeed] = useState(1);
  const [isMenuOpen, setIsMenuOpen] = useState(false);
  const playing = useHls(video, {
    manifestUrl: playback.manifestUrl,
    startSeconds: startPosition(playback.positionSeconds, playback.durationSeconds),
    isReady: asset.state === 'ready',
    renditions: asset.renditions.filter(({ kind, complete }) => kind === 'video' && complete).length,
    onExpired,
    onReload: () => video.current && canvas.current && freeze(video.current, canvas.current),
  });
  usePageKeys(controller);
  useEffect(() => {
    // A reload of the manifest resets the speed of the element.
    if (video.current) video.current.defaultPlaybackRate = video.current.playbackRate = speed;
  }, [speed]);
  const shape = asset.widthPx && asset.heightPx ? `${asset.widthPx} / ${asset.heightPx}` : '16 / 9';
  const menu = (
    <SettingsMenu
      qualities={playing.qualities}
      chosen={playing.chosen}
      shown={playing.shown}
      speed={speed}
      onChoose={playing.choose}
      onSpeed={setSpeed}
      onOpenChange={setIsMenuOpen}
    />
  );
  return (
    <MediaController
      ref={controller}
      key={language}
      lang={language}
      className={styles['player']}
      style={{ '--shape': shape } as CSSProperties}
      autohide={isMenuOpen ? '-1' : '2.5'}
      aria-label={t.watch.player(title)}
      data-test="player"
      noAutoSeekToLive
    >
      <video
        ref={video}
        slot="media"
        playsInline
        autoPlay
        poster={posterUrl}
        data-test="player-video"
        onDurationChange={({ currentTarget }) => Number.isFinite(currentTarget.duration) && onAvailable(currentTarget.duration)}
        onRateChange={({ currentTarget }) => setSpeed(currentTarget.playbackRate)}
      >
        {playback.storyboardUrl !== undefined && (
          <track key={playback.storyboardUrl} default kind="metadata" label="thumbnails" src={playback.storyboardUrl} />
        )}
        {playback.subtitleTracks.map(({ url, kind, label, language: spoken }) => (
          <track key={url} kind={kind === 'captions' ? 'captions' : 'subtitles'} label={label} srcLang={spoken} src={url} />
        ))}
      </video>
      <canvas ref={canvas} slot="poster" className={styles['freeze']} hidden aria-hidden="true" />
      <MediaLoadingIndicator slot="centered-chrome" noAutohide className={styles['loading']} />
      <MediaPlayButton slot="centered-chrome" className={styles['large']} />
      {playing.hasMore && (
        <div slot="top-chrome" className={styles['offer']} role="status" data-test="better-quality">
          {t.watch.better}
          <button type="button" onClick={playing.reload} data-test="switch-quality">
            {t.watch.switch}
          </button>
        </div>
      )}
      <Bar hasSubtitles={playback.subtitleTracks.length > 0} menu={menu} />
      <Fault playing={playing} />
    </MediaController>
  );
}
