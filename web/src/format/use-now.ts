import { useSyncExternalStore } from 'react';

const minuteMs = 60_000;
const currentMinute = (): number => Math.floor(Date.now() / minuteMs) * minuteMs;

function onEachMinute(listener: () => void): () => void {
  const timer = setInterval(listener, minuteMs / 4);
  return () => clearInterval(timer);
}

/** Milliseconds since 1970 at the beginning of the current minute; a component that shows an age is shown again when it has changed. */
export const useNow = (): number => useSyncExternalStore(onEachMinute, currentMinute);
