import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import type { ProcessIdentity } from './process-identity.ts';
import type { QueueDepth, Topology } from './port.ts';

/** What `state` holds; `at` is then when a message is due, was due, or died (ms since 1970), so one index serves all three. */
const state = { waiting: 0, underWay: 1, dead: 2 } as const;

const schemaVersion = 1;
const schema = `
CREATE TABLE IF NOT EXISTS queue (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;
CREATE TABLE IF NOT EXISTS message (
  seq INTEGER PRIMARY KEY, queue INTEGER NOT NULL, state INTEGER NOT NULL, at INTEGER NOT NULL,
  attempt INTEGER NOT NULL, owner INTEGER, error TEXT, envelope TEXT NOT NULL
) STRICT;
CREATE INDEX IF NOT EXISTS message_by_state ON message (queue, state, at);
CREATE TABLE IF NOT EXISTS owner (
  id INTEGER PRIMARY KEY, machine TEXT NOT NULL, pid INTEGER NOT NULL, startedAt TEXT NOT NULL, leaseUntil INTEGER NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS recent (seq INTEGER PRIMARY KEY, origin INTEGER NOT NULL, type TEXT NOT NULL, envelope TEXT NOT NULL) STRICT;
PRAGMA user_version = ${schemaVersion};
`;

/** Envelopes kept for listeners of other processes. */
const recentLimit = 4096;

/** A message taken for delivery. */
export interface Taken {
  readonly seq: number;
  /** This delivery's number, from 1. */
  readonly attempt: number;
  readonly envelope: string;
  /** Error of the attempt before, if any. */
  readonly error: string | null;
}

/** A process that holds leases. */
export interface Owner extends ProcessIdentity {
  readonly id: number;
  readonly leaseUntil: number;
}

/** How a delivery ended; `release` gives it back as if it had not been delivered. */
export type Outcome =
  | { readonly kind: 'ack' }
  | { readonly kind: 'release' }
  | { readonly kind: 'retry'; readonly at: number; readonly error: string }
  | { readonly kind: 'dead'; readonly at: number; readonly error: string };

/** One delivery and how it ended; void when the lease of `owner` is gone by then. */
export interface Settlement {
  readonly queue: string;
  readonly seq: number;
  readonly attempt: number;
  readonly owner: number;
  readonly outcome: Outcome;
}

/** An envelope that another process has published. */
export interface Recent {
  readonly type: string;
  readonly envelope: string;
}

/** The SQL of the queue file. Every method is synchronous; several that belong together go in one `transaction`. */
export class QueueFile {
  readonly #db: DatabaseSync;
  readonly #queueIds: ReadonlyMap<string, number>;
  readonly #statements = new Map<string, StatementSync>();
  #dataVersion: unknown;

  /** Opens or creates `file` and its folder with every queue of `topology`. @throws when it is not a queue file or written by a newer version. */
  constructor(file: string, topology: Topology) {
    mkdirSync(dirname(file), { recursive: true });
    this.#db = new DatabaseSync(file, { timeout: 5_000 });
    try {
      enterWalMode(this.#db);
      this.#db.exec('PRAGMA synchronous = NORMAL; PRAGMA journal_size_limit = 16777216; PRAGMA temp_store = MEMORY;');
      this.#queueIds = this.transaction(() => this.#prepareSchema(file, topology));
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #prepareSchema(file: string, topology: Topology): Map<string, number> {
    const version = Number(this.#db.prepare('PRAGMA user_version').get()?.['user_version']);
    if (version > schemaVersion) throw new Error(`${file} was written by a newer version of Kinora (schema ${version})`);
    if (version < schemaVersion) this.#db.exec(schema);
    const add = this.#db.prepare('INSERT OR IGNORE INTO queue (name) VALUES (?)');
    for (const [type, services] of Object.entries(topology)) for (const service of services) add.run(`${service}.${type}`);
    return new Map(
      this.#db
        .prepare('SELECT id, name FROM queue')
        .all()
        .map((row) => [String(row['name']), Number(row['id'])]),
    );
  }

  /** Runs `work` holding the write lock; all of it is committed, or nothing when it throws. */
  transaction<T>(work: () => T): T {
    this.#run('BEGIN IMMEDIATE');
    try {
      const result = work();
      this.#run('COMMIT');
      return result;
    } catch (error) {
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  /** Adds a waiting message. */
  insert(queue: string, envelope: string, at: number): void {
    this.#run('INSERT INTO message (queue, state, at, attempt, envelope) VALUES (?, 0, ?, 0, ?)', this.#id(queue), at, envelope);
  }

  /** Adds to the log that listeners of other processes read, and keeps it short. */
  insertRecent(origin: number, type: string, envelope: string): void {
    const { lastInsertRowid } = this.#run('INSERT INTO recent (origin, type, envelope) VALUES (?, ?, ?)', origin, type, envelope);
    const seq = Number(lastInsertRowid);
    if (seq % 256 === 0) this.#run('DELETE FROM recent WHERE seq <= ?', seq - recentLimit);
  }

  /** Takes at most `limit` messages that are due, longest due first. */
  take(queue: string, owner: number, now: number, limit: number): Taken[] {
    const rows = this.#statement(`UPDATE message SET state = 1, owner = ?, attempt = attempt + 1 WHERE seq IN
      (SELECT seq FROM message WHERE queue = ? AND state = 0 AND at <= ? ORDER BY at, seq LIMIT ?) RETURNING seq, attempt, envelope, error`);
    return rows.all(owner, this.#id(queue), now, limit) as unknown as Taken[];
  }

  /** When the next waiting message of `queue` is due; undefined when none waits. */
  nextDueAt(queue: string): number | undefined {
    const row = this.#statement('SELECT at FROM message WHERE queue = ? AND state = 0 ORDER BY at LIMIT 1').get(this.#id(queue));
    return row && Number(row['at']);
  }

  /** Writes how a delivery ended. */
  settle({ seq, attempt, owner, outcome }: Settlement): void {
    if (outcome.kind === 'ack') {
      this.#run('DELETE FROM message WHERE seq = ? AND owner = ? AND attempt = ?', seq, owner, attempt);
    } else if (outcome.kind === 'release') {
      const sql = 'UPDATE message SET state = 0, owner = NULL, attempt = attempt - 1 WHERE seq = ? AND owner = ? AND attempt = ?';
      this.#run(sql, seq, owner, attempt);
    } else {
      const sql = 'UPDATE message SET state = ?, owner = NULL, at = ?, error = ? WHERE seq = ? AND owner = ? AND attempt = ?';
      this.#run(sql, outcome.kind === 'dead' ? state.dead : state.waiting, outcome.at, outcome.error, seq, owner, attempt);
    }
  }

  /** Extends a lease; false when somebody else has ended it. */
  renew(owner: number, leaseUntil: number): boolean {
    return this.#run('UPDATE owner SET leaseUntil = ? WHERE id = ?', leaseUntil, owner).changes === 1;
  }

  /** Adds an owner, which has nothing yet. */
  register({ id, machine, pid, startedAt, leaseUntil }: Owner): void {
    this.#run(
      'INSERT INTO owner (id, machine, pid, startedAt, leaseUntil) VALUES (?, ?, ?, ?, ?)',
      id,
      machine,
      pid,
      startedAt,
      leaseUntil,
    );
  }

  /** Every process with a lease, lapsed or not. */
  owners(): Owner[] {
    return this.#statement('SELECT id, machine, pid, startedAt, leaseUntil FROM owner').all() as unknown as Owner[];
  }

  /** Ends a lease, unless it was renewed since `leaseUntil` was read, and returns its messages to the queues: the deliveries count. Returns how many. */
  evict(owner: number, leaseUntil = Number.MAX_SAFE_INTEGER): number {
    if (this.#run('DELETE FROM owner WHERE id = ? AND leaseUntil <= ?', owner, leaseUntil).changes === 0) return 0;
    const sql = 'UPDATE message SET state = 0, owner = NULL WHERE state = 1 AND owner = ? AND queue IN (SELECT id FROM queue)';
    return Number(this.#run(sql, owner).changes);
  }

  /** True when another connection has committed since the last call. */
  hasChangedElsewhere(): boolean {
    const version = this.#statement('PRAGMA data_version').get()?.['data_version'];
    const hasChanged = version !== this.#dataVersion;
    this.#dataVersion = version;
    return hasChanged;
  }

  /** Newest position of the listeners' log. */
  recentEnd(): number {
    return Number(this.#statement('SELECT max(seq) AS seq FROM recent').get()?.['seq'] ?? 0);
  }

  /** What others than `origin` have published after position `after`, up to `end`. */
  recentBetween(after: number, end: number, origin: number): Recent[] {
    const sql = 'SELECT type, envelope FROM recent WHERE seq > ? AND seq <= ? AND origin <> ? ORDER BY seq';
    return this.#statement(sql).all(after, end, origin) as unknown as Recent[];
  }

  /** Counts of every queue, by name. */
  depths(): QueueDepth[] {
    const sql = `SELECT name AS queue, count(*) FILTER (WHERE state = 0) AS waiting, count(*) FILTER (WHERE state = 1) AS underWay,
      count(*) FILTER (WHERE state = 2) AS dead FROM queue LEFT JOIN message ON message.queue = queue.id GROUP BY queue.id ORDER BY name`;
    return this.#statement(sql)
      .all()
      .map((row) => ({ ...(row as unknown as QueueDepth) }));
  }

  /** Dead letters become due at `now` with no attempt counted; returns how many. */
  redrive(queue: string, now: number): number {
    const sql = 'UPDATE message SET state = 0, at = ?, attempt = 0, error = NULL WHERE queue = ? AND state = 2';
    return Number(this.#run(sql, now, this.#id(queue)).changes);
  }

  /** Dead letters, longest dead first. */
  deadLetters(queue: string, limit: number): { envelope: string; error: string; at: number }[] {
    const sql = 'SELECT envelope, error, at FROM message WHERE queue = ? AND state = 2 ORDER BY at, seq LIMIT ?';
    return this.#statement(sql).all(this.#id(queue), limit) as unknown as { envelope: string; error: string; at: number }[];
  }

  /** Throws when the file cannot be read. */
  ping(): void {
    this.#statement('SELECT count(*) FROM queue').get();
  }

  close(): void {
    this.#statements.clear();
    this.#db.close();
  }

  #id(queue: string): number {
    const id = this.#queueIds.get(queue);
    if (id === undefined) throw new Error(`no queue ${queue}`);
    return id;
  }

  #run(sql: string, ...values: (string | number)[]): { changes: number | bigint; lastInsertRowid: number | bigint } {
    return this.#statement(sql).run(...values);
  }

  #statement(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }
}

/** SQLite does not wait for the lock when several processes turn the same new file to WAL at once, so this does. */
function enterWalMode(db: DatabaseSync): void {
  for (let triesLeft = 100; ; triesLeft -= 1) {
    try {
      db.exec('PRAGMA journal_mode = WAL');
      return;
    } catch (error) {
      if (triesLeft === 0 || !/locked|busy/i.test(String(error))) throw error;
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 20);
    }
  }
}
