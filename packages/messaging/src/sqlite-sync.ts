import { close, closeSync, fdatasync, fsyncSync, openSync } from 'node:fs';
import { dirname } from 'node:path';

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * Puts on disk what was committed to a SQLite WAL, off the event loop and one flush for all who wait.
 *
 * The database runs with `synchronous=NORMAL`: a commit is written and visible but not flushed. Flushing the WAL here afterwards makes it
 * as durable as `synchronous=FULL`, because a frame leaves the WAL only when a checkpoint has flushed it into the database file.
 * Holding the WAL open is harmless: SQLite's locks are on the database and the `-shm` file, and the WAL is deleted only by the last connection.
 */
export class WalSync {
  readonly #fd: number;
  #waiters: Waiter[] = [];
  #isRunning = false;

  /** `file` is the database, open in WAL mode for as long as this is. */
  constructor(file: string) {
    this.#fd = openSync(`${file}-wal`, 'r+');
    syncFolder(dirname(file));
  }

  /** Resolves when everything committed before the call is on disk. */
  durable(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiters.push({ resolve, reject });
      if (!this.#isRunning) this.#run();
    });
  }

  #run(): void {
    const waiters = this.#waiters;
    this.#waiters = [];
    this.#isRunning = true;
    fdatasync(this.#fd, (error) => {
      this.#isRunning = false;
      if (this.#waiters.length > 0) this.#run();
      for (const waiter of waiters) {
        if (error) waiter.reject(error);
        else waiter.resolve();
      }
    });
  }

  close(): void {
    close(this.#fd);
  }
}

/** A new file's name is durable only when its folder is; Windows has no such call and needs none. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const fd = openSync(folder, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
