/** True when `work` is done within `limitMs`; false when it is not, whatever becomes of it. @throws what `work` throws meanwhile. */
export async function isWithin(limitMs: number, work: Promise<unknown>): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const timer = setTimeout(() => resolve(false), limitMs);
  try {
    return await Promise.race([promise, work.then(() => true)]);
  } finally {
    clearTimeout(timer);
  }
}

/** What `work` gives within `limitMs`. @throws an Error that says `sentence` when it takes longer; `work` goes on then, and how it ends is of no account. */
export async function within<T>(limitMs: number, work: Promise<T>, sentence: () => string): Promise<T> {
  if (await isWithin(limitMs, work)) return work;
  work.catch(() => undefined);
  throw new Error(sentence());
}

/** Resolves after `waitMs`, or as soon as `signal` aborts. */
export function pause(waitMs: number, signal?: AbortSignal): Promise<void> {
  if (signal?.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, waitMs);
    signal?.addEventListener('abort', end);
  });
}
