import { useCallback, useEffect, useRef, useState, type RefObject } from 'react';
import { hasMoreQualities } from './choices.ts';
import { openHlsPlayer, type HlsPlayer, type PlayerFault, type Quality } from './hls-player.ts';

interface Source {
  readonly manifestUrl: string;
  readonly startSeconds: number;
  readonly isReady: boolean;
  /** Finished video renditions. */
  readonly renditions: number;
  readonly onExpired: () => void;
  /** Called just before the manifest is read again, while the last picture still stands. */
  readonly onReload: () => void;
}

/** What the player shows and takes. */
export interface Playing {
  readonly qualities: readonly Quality[];
  readonly shown: number | undefined;
  readonly chosen: number | undefined;
  readonly choose: (index: number | undefined) => void;
  readonly fault: PlayerFault | undefined;
  readonly retry: () => void;
  /** True when more qualities exist than the manifest that is playing names. */
  readonly hasMore: boolean;
  /** Reads the manifest again at the same position. */
  readonly reload: () => void;
}

/**
 * Plays a manifest in the element. A manifest that grew better is read again only when that interrupts nothing: while paused,
 * seeking or waiting for bytes; while it plays, `hasMore` lets the viewer decide.
 */
export function useHls(elementRef: RefObject<HTMLVideoElement | null>, source: Source): Playing {
  const [qualities, setQualities] = useState<readonly Quality[]>([]);
  const [shown, setShown] = useState<number>();
  const [chosen, setChosen] = useState<number>();
  const [fault, setFault] = useState<PlayerFault>();
  const [loaded, setLoaded] = useState({ isReady: source.isReady, renditions: source.renditions });
  const player = useRef<HlsPlayer>(undefined);
  const latest = useRef(source);
  useEffect(() => {
    latest.current = source;
  });

  useEffect(() => {
    const media = elementRef.current;
    if (!media) return undefined;
    const opened = openHlsPlayer(media, {
      onQualities: (read) => {
        setQualities(read);
        setChosen(undefined);
        setFault(undefined);
      },
      onShown: setShown,
      onFault: (told) => (told === 'expired' ? latest.current.onExpired() : setFault(told)),
    });
    player.current = opened;
    if (!opened) queueMicrotask(() => setFault('unsupported'));
    return () => {
      opened?.close();
      player.current = undefined;
    };
  }, [elementRef]);

  const isLoaded = useRef(false);
  const load = useCallback((): void => {
    const { manifestUrl, startSeconds, isReady, renditions } = latest.current;
    const position = isLoaded.current ? elementRef.current?.currentTime : startSeconds;
    player.current?.load(manifestUrl, position ?? 0);
    isLoaded.current = true;
    setLoaded({ isReady, renditions });
  }, [elementRef]);
  // A new address, as after expiry, is opened where the viewer is.
  useEffect(load, [load, source.manifestUrl]);

  const reload = useCallback((): void => {
    latest.current.onReload();
    load();
  }, [load]);
  const hasMore = hasMoreQualities(loaded, source);
  useEffect(() => {
    const media = elementRef.current;
    if (!hasMore || !media) return undefined;
    if (media.paused) {
      reload();
      return undefined;
    }
    const moments = ['pause', 'seeking', 'waiting'] as const;
    for (const moment of moments) media.addEventListener(moment, reload, { once: true });
    return () => {
      for (const moment of moments) media.removeEventListener(moment, reload);
    };
  }, [elementRef, hasMore, reload]);

  const choose = (index: number | undefined): void => {
    setChosen(index);
    player.current?.choose(index);
  };
  const retry = useCallback((): void => {
    setFault(undefined);
    player.current?.retry();
  }, []);
  useEffect(() => {
    if (fault !== 'network') return undefined;
    window.addEventListener('online', retry);
    return () => window.removeEventListener('online', retry);
  }, [fault, retry]);
  return { qualities, shown, chosen, choose, fault, retry, hasMore, reload };
}
