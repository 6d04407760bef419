/** Work done several at a time. */
export interface Pool {
  /** Starts `work`, after waiting for a place. @throws what earlier work has thrown */
  add(work: () => Promise<void>): Promise<void>;
  /** Resolves when all work is done. @throws what the first failed one has thrown */
  end(): Promise<void>;
}

/** A pool with `places`. After a failure nothing more begins. */
export function openPool(places: number): Pool {
  const underWay = new Set<Promise<void>>();
  let failure: { readonly error: unknown } | undefined;
  const rethrow = (): void => {
    if (failure) throw failure.error;
  };
  return {
    async add(work) {
      while (underWay.size >= places && !failure) await Promise.race(underWay);
      rethrow();
      const task = work()
        .catch((error: unknown) => void (failure ??= { error }))
        .finally(() => underWay.delete(task));
      underWay.add(task);
    },
    async end() {
      await Promise.all(underWay);
      rethrow();
    },
  };
}
