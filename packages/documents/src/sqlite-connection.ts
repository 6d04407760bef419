/** One connection to a database file: prepared statements, and writes that share commits. */
import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setTimeout as delay } from 'node:timers/promises';

const BUSY_TIMEOUT_MS = 1000;
/** How long a write goes on asking for a file that others keep locked. */
const GIVE_UP_AFTER_MS = 30_000;
const MAX_STATEMENTS = 500;
/** A commit takes in at most this much work, so that the event loop is not held for long. */
const MAX_GROUP_MS = 8;

const SQLITE_BUSY = 5;

interface Job {
  readonly run: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

/** The SQLite result code of an error, extended; undefined for errors from elsewhere. */
export function sqliteCode(error: unknown): number | undefined {
  const code: unknown = typeof error === 'object' && error !== null && 'errcode' in error ? error.errcode : undefined;
  return typeof code === 'number' ? code : undefined;
}

function isBusy(error: unknown): boolean {
  return ((sqliteCode(error) ?? 0) & 0xff) === SQLITE_BUSY;
}

/** An identifier for SQL text, whatever it contains. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

export class SqliteConnection {
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #afterRollback: () => void;
  #queue: Job[] = [];
  #flushing: Promise<void> | undefined;

  /** Opens or creates `file` and its folder. `afterRollback` is called when writes were undone. */
  constructor(file: string, afterRollback: () => void) {
    mkdirSync(dirname(file), { recursive: true });
    this.#afterRollback = afterRollback;
    this.#database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
    this.#enterWal();
    // FULL: a commit returns after its log is on the disk, so acknowledged writes survive a power cut as well as kill -9. Writes share commits.
    this.#database.exec(
      'PRAGMA synchronous = FULL; PRAGMA cache_size = -16000; PRAGMA journal_size_limit = 67108864; PRAGMA temp_store = MEMORY',
    );
  }

  /** Two processes that create the file at once may be refused despite the timeout. */
  #enterWal(): void {
    const giveUpAt = Date.now() + GIVE_UP_AFTER_MS;
    for (;;) {
      try {
        this.#database.exec('PRAGMA journal_mode = WAL');
        return;
      } catch (error) {
        if (!isBusy(error) || Date.now() > giveUpAt) throw error;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 10);
      }
    }
  }

  get isOpen(): boolean {
    return this.#database.isOpen;
  }

  /** The prepared statement for this text; its rows are arrays. */
  statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      if (!this.#database.isOpen) throw new Error('the documents are closed');
      if (this.#statements.size >= MAX_STATEMENTS) this.#statements.clear();
      statement = this.#database.prepare(sql);
      statement.setReturnArrays(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  exec(sql: string): void {
    this.#database.exec(sql);
  }

  /** A number that changes when another connection has written. */
  dataVersion(): number {
    return (this.statement('PRAGMA data_version').get() as unknown as [number])[0];
  }

  /** Runs `work` in a write transaction, alone or with other writes of the same moment; resolves when it is committed. */
  async write<R>(work: () => R): Promise<R> {
    if (!this.#database.isOpen) throw new Error('the documents are closed');
    let result: { readonly value: R } | undefined;
    await new Promise<void>((resolve, reject) => {
      this.#queue.push({ run: () => (result = { value: work() }), resolve, reject });
      this.#flushing ??= this.#flush();
    });
    if (result === undefined) throw new Error('a write was acknowledged without having run');
    return result.value;
  }

  async #flush(): Promise<void> {
    await new Promise((resolve) => setImmediate(resolve));
    while (this.#queue.length > 0) {
      const giveUpAt = Date.now() + GIVE_UP_AFTER_MS;
      while (!this.#begin(giveUpAt)) await delay(5);
      if (this.#queue.length > 0) this.#commitGroup();
      if (this.#queue.length > 0) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#flushing = undefined;
  }

  /** False when the file is locked; when it stays so, or cannot be written at all, every waiting write is refused. */
  #begin(giveUpAt: number): boolean {
    try {
      this.#database.exec('BEGIN IMMEDIATE');
    } catch (error) {
      if (isBusy(error) && Date.now() < giveUpAt) return false;
      for (const job of this.#queue.splice(0)) job.reject(error);
    }
    return true;
  }

  #commitGroup(): void {
    const stopAt = performance.now() + MAX_GROUP_MS;
    const done: Job[] = [];
    try {
      do {
        const job = this.#queue.shift();
        if (job === undefined) break;
        if (this.#attempt(job)) done.push(job);
      } while (performance.now() < stopAt);
      this.#database.exec('COMMIT');
    } catch (error) {
      this.#undo('ROLLBACK');
      for (const job of done) job.reject(error);
      return;
    }
    for (const job of done) job.resolve();
  }

  /** A job that throws leaves nothing behind and does not hurt the others of its group. */
  #attempt(job: Job): boolean {
    this.statement('SAVEPOINT job').run();
    try {
      job.run();
      this.statement('RELEASE job').run();
      return true;
    } catch (error) {
      job.reject(error);
      // A full disk may have ended the transaction already; then COMMIT fails and refuses the rest.
      if (this.#database.isTransaction) this.#undo('ROLLBACK TO job; RELEASE job');
      return false;
    }
  }

  #undo(sql: string): void {
    this.#afterRollback();
    if (this.#database.isTransaction) this.#database.exec(sql);
  }

  /** Finishes the writes under way and closes. A second call does nothing. */
  async close(): Promise<void> {
    while (this.#flushing) await this.#flushing;
    if (!this.#database.isOpen) return;
    this.#statements.clear();
    this.#database.close();
  }
}
