import type { Log } from './log.ts';
import type { Envelope, Subscription } from './port.ts';
import type { QueueFile, Recent } from './sqlite-file.ts';

interface Listener {
  readonly types: ReadonlySet<string>;
  readonly handler: (envelope: Envelope) => void;
}

/** Listeners of one bus: told directly of what it publishes, through the file of what others publish. */
export class Listeners {
  readonly #file: QueueFile;
  readonly #origin: number;
  readonly #log: Log;
  readonly #listeners = new Set<Listener>();
  #position = 0;

  /** `origin` marks what this bus itself puts in the log. */
  constructor(file: QueueFile, origin: number, log: Log) {
    this.#file = file;
    this.#origin = origin;
    this.#log = log;
  }

  get size(): number {
    return this.#listeners.size;
  }

  add(types: readonly string[], handler: (envelope: Envelope) => void): Subscription {
    const listener = { types: new Set(types), handler };
    if (this.size > 0) this.readOthers();
    else this.#position = this.#file.recentEnd();
    this.#listeners.add(listener);
    return {
      stop: () => {
        this.#listeners.delete(listener);
        return Promise.resolve();
      },
    };
  }

  clear(): void {
    this.#listeners.clear();
  }

  /** Tells what others have published since the last time. */
  readOthers(): void {
    const end = this.#file.recentEnd();
    if (end <= this.#position) return;
    const published = this.#file.recentBetween(this.#position, end, this.#origin);
    this.#position = end;
    for (const recent of published) this.tell(recent);
  }

  /** Calls every listener of the type; a throw is logged and forgotten. */
  tell({ type, envelope: text }: Recent): void {
    for (const { types, handler } of [...this.#listeners]) {
      if (!types.has(type)) continue;
      try {
        handler(JSON.parse(text) as Envelope);
      } catch (error) {
        this.#log('error', 'listener failed', { type, error });
      }
    }
  }
}
