import { Film } from 'lucide-react';
import { useEffect, useRef, useState, type ReactNode } from 'react';
import styles from './UploadRow.module.css';

/** A still of a video: its poster, else a frame of the local file as far as the browser can read it. */
export function FileStill({ posterUrl, file }: { readonly posterUrl: string | undefined; readonly file: File | undefined }): ReactNode {
  const frame = useRef<HTMLVideoElement>(null);
  const [isReadable, setIsReadable] = useState(true);
  useEffect(() => {
    const video = frame.current;
    if (!file || !video) return undefined;
    const url = URL.createObjectURL(file);
    video.src = url;
    return () => {
      video.removeAttribute('src');
      video.load();
      URL.revokeObjectURL(url);
    };
  }, [file, posterUrl]);
  const seek = ({ currentTarget }: { readonly currentTarget: HTMLVideoElement }): void => {
    currentTarget.currentTime = Math.min(1, currentTarget.duration / 10 || 0);
  };
  return (
    <div className={styles['still']}>
      {posterUrl !== undefined ? (
        <img src={posterUrl} alt="" />
      ) : file && isReadable ? (
        <video
          ref={frame}
          muted
          playsInline
          preload="metadata"
          tabIndex={-1}
          aria-hidden="true"
          onLoadedMetadata={seek}
          onError={() => setIsReadable(false)}
        />
      ) : (
        <span className={styles['blank']}>
          <Film size={24} strokeWidth={1.5} aria-hidden="true" />
        </span>
      )}
    </div>
  );
}
