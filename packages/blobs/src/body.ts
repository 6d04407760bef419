/** What `body` gives, until `signal` ends it, even while `body` is silent. */
export async function* untilAborted(body: AsyncIterable<Uint8Array>, signal: AbortSignal): AsyncGenerator<Uint8Array> {
  const iterator = body[Symbol.asyncIterator]();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => undefined); // told to whoever races with it; nobody may be racing at that moment
  const onAbort = (): void => aborted.reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    // NOTE: not awaited, as a silent generator answers `return` only after its pending `next`; what it throws then concerns nobody.
    Promise.resolve(iterator.return?.()).catch(() => undefined);
  }
}

/**
 * `body` cut into parts of `bytesOf(1)`, `bytesOf(2)`, … bytes, the last one shorter, none empty.
 * Holds one part; what it has given belongs to the taker.
 */
export async function* inParts(
  body: AsyncIterable<Uint8Array>,
  bytesOf: (part: number) => number,
  signal: AbortSignal,
): AsyncGenerator<Uint8Array> {
  let part = 1;
  // Pages that are not written to take no memory: a short body costs its own length.
  let target = Buffer.allocUnsafeSlow(bytesOf(part));
  let filled = 0;
  for await (const bytes of untilAborted(body, signal)) {
    for (let taken = 0; taken < bytes.length;) {
      const copied = bytes.subarray(taken, taken + target.length - filled);
      target.set(copied, filled);
      taken += copied.length;
      filled += copied.length;
      if (filled < target.length) continue;
      yield target;
      target = Buffer.allocUnsafeSlow(bytesOf(++part));
      filled = 0;
    }
  }
  if (filled > 0) yield target.subarray(0, filled);
}
