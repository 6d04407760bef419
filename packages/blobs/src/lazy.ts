import type { Blobs } from './port.ts';

/** Blobs of an adapter that is loaded when it is first used: its libraries are large, and other adapters do without them. */
export function lazyBlobs(load: () => Promise<Blobs>): Blobs {
  let loading: Promise<Blobs> | undefined;
  const loaded = (): Promise<Blobs> => (loading ??= load());
  return {
    directory: undefined,
    growing: {
      create: async (...args) => (await loaded()).growing.create(...args),
      offset: async (...args) => (await loaded()).growing.offset(...args),
      append: async (...args) => (await loaded()).growing.append(...args),
      fence: async (...args) => (await loaded()).growing.fence(...args),
      finish: async (...args) => (await loaded()).growing.finish(...args),
      remove: async (...args) => (await loaded()).growing.remove(...args),
      tidy: async (...args) => (await loaded()).growing.tidy(...args),
      async *remains(...args) {
        yield* (await loaded()).growing.remains(...args);
      },
    },
    put: async (...args) => (await loaded()).put(...args),
    stat: async (...args) => (await loaded()).stat(...args),
    open: async (...args) => (await loaded()).open(...args),
    stream: async (...args) => (await loaded()).stream(...args),
    read: async (...args) => (await loaded()).read(...args),
    async *list(...args) {
      yield* (await loaded()).list(...args);
    },
    delete: async (...args) => (await loaded()).delete(...args),
    deletePrefix: async (...args) => (await loaded()).deletePrefix(...args),
    locate: async (...args) => (await loaded()).locate(...args),
    ready: async () => (await loaded()).ready(),
    ping: async () => (await loaded()).ping(),
    // What could not be loaded has nothing to close.
    close: async () => (await loading?.catch(() => undefined))?.close(),
  };
}
