/** What a move remembers, in the target's own documents: so it can be gone on with from any machine, and two never run at once. */
import { createHash, randomUUID } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { DuplicateKeyError, type Collection, type Identified } from '@kinora/documents';
import type { Digest } from './documents.ts';
import { portNames, shown, UsageError, type Place } from './place.ts';
import { ownDatabase, type Ports } from './ports.ts';
import type { UploadRecord } from './uploads.ts';

/** Who is at work, and until when it counts without a sign of life. */
interface Holder {
  readonly id: string;
  readonly machine: string;
  readonly pid: number;
  readonly until: string;
}

/** A collection as the last whole pass left it. */
export interface KnownDigest extends Digest {
  /** `<database>.<collection>`. */
  readonly collection: string;
}

export interface MoveDocument extends Identified {
  readonly installationId: string;
  readonly phase: 'copying' | 'done';
  readonly from: string;
  readonly startedAt: string;
  readonly doneAt?: string;
  /** Absent while a pass is under way: then nobody knows what the target should hold. */
  readonly known?: readonly KnownDigest[];
  readonly holder?: Holder;
}

/** A blob that was copied: `_id` is its key. */
export interface BlobRecord extends Identified {
  readonly bytes: number;
  readonly sha256: string;
  /** Of the source when it was copied, and of the target's copy. */
  readonly sourceEtag: string;
  readonly targetEtag: string;
}

const leaseMs = 30_000;

const machine = (): string => {
  const bootId = '/proc/sys/kernel/random/boot_id';
  return `${hostname()} ${existsSync(bootId) ? readFileSync(bootId, 'utf8').trim() : ''}`;
};

const hash = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16);

function isGone({ machine: where, pid, until }: Holder, nowMs: number): boolean {
  if (Date.parse(until) < nowMs) return true;
  if (where !== machine()) return false;
  try {
    process.kill(pid, 0);
    return false;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

/**
 * Tells one installation from another, wherever it lies: by the key that accounts made at its first start.
 * @throws {UsageError} when there is none
 */
export async function installationIdOf(ports: Ports, name: string): Promise<string> {
  const settings = await ports.existing('accounts', 'settings');
  const key = await settings?.findOne({ _id: 'signing-key' });
  if (!key) throw new UsageError(`${name} holds no installation: the service accounts has never run there.`);
  return hash(JSON.stringify(key['value']));
}

/** What is recorded of the move to a target; nothing is made for the question. */
export interface Recorded {
  readonly move: MoveDocument | undefined;
  readonly blobs: Collection<BlobRecord> | undefined;
  readonly uploads: Collection<UploadRecord> | undefined;
}

/** Looks at the record of the move to `to`, without making one. */
export async function findRecord(target: Ports, to: Place): Promise<Recorded> {
  const id = MoveState.idOf(to);
  const moves = await target.existing<MoveDocument>(ownDatabase, 'moves');
  return {
    move: await moves?.findOne({ _id: id }),
    blobs: await target.existing<BlobRecord>(ownDatabase, `blobs_${id}`),
    uploads: await target.existing<UploadRecord>(ownDatabase, `uploads_${id}`),
  };
}

/** The record of one move, made when it is not there. */
export class MoveState {
  readonly blobs: Collection<BlobRecord>;
  readonly uploads: Collection<UploadRecord>;
  readonly #moves: Collection<MoveDocument>;
  readonly #id: string;
  readonly #holderId = randomUUID();
  readonly #now: () => number;
  #timer: NodeJS.Timeout | undefined;
  #renewing: Promise<void> | undefined;

  constructor(target: Ports, to: Place, now: () => number = Date.now) {
    this.#now = now;
    this.#id = MoveState.idOf(to);
    this.#moves = target.collection<MoveDocument>(ownDatabase, 'moves');
    this.blobs = target.collection<BlobRecord>(ownDatabase, `blobs_${this.#id}`);
    this.uploads = target.collection<UploadRecord>(ownDatabase, `uploads_${this.#id}`);
  }

  /** A move goes by where it leads: the same target always has the same record. */
  static idOf({ urls }: Place): string {
    return hash(portNames.map((port) => shown(urls[port])).join('\n'));
  }

  /**
   * Takes the move for this process until `release`, beginning it when it has not begun. `onLost` is called when somebody else has taken it.
   * @throws {UsageError} when another process is at work
   */
  async take(installationId: string, from: string, onLost: (error: Error) => void): Promise<void> {
    const startedAt = new Date(this.#now()).toISOString();
    const begun = { _id: this.#id, installationId, phase: 'copying', from, startedAt, holder: this.#holder() } as const;
    try {
      await this.#moves.insertOne(begun);
    } catch (error) {
      if (!(error instanceof DuplicateKeyError)) throw error;
      await this.#takeOver();
    }
    this.#timer = setInterval(() => {
      this.#renewing ??= this.#renew(onLost).finally(() => (this.#renewing = undefined));
    }, leaseMs / 3);
    this.#timer.unref();
  }

  #holder(): Holder {
    return { id: this.#holderId, machine: machine(), pid: process.pid, until: new Date(this.#now() + leaseMs).toISOString() };
  }

  async #takeOver(): Promise<void> {
    const before = (await this.#moves.findOne({ _id: this.#id }))?.holder;
    if (before && !isGone(before, this.#now()))
      throw new UsageError(
        `Another migration to this target is at work: process ${before.pid} on ${before.machine.split(' ')[0]}. Wait for it, or stop it.`,
      );
    const free = before ? { 'holder.id': before.id } : { holder: { $exists: false } };
    const taken = await this.#moves.updateOne({ _id: this.#id, ...free }, { $set: { holder: this.#holder() } });
    if (taken.matchedCount === 0) throw new UsageError('Another migration to this target has just begun.');
  }

  /** A failure to reach the target is left to the work itself, which meets it too. */
  async #renew(onLost: (error: Error) => void): Promise<void> {
    const renewed = await this.#moves
      .updateOne({ _id: this.#id, 'holder.id': this.#holderId }, { $set: { holder: this.#holder() } })
      .catch(() => undefined);
    if (renewed?.matchedCount === 0) onLost(new Error('Another process has taken over this migration.'));
  }

  /** Nobody knows what the target should hold until `passEnds`. */
  async passBegins(): Promise<void> {
    await this.#moves.updateOne({ _id: this.#id }, { $unset: { known: true } });
  }

  async passEnds(known: readonly KnownDigest[]): Promise<void> {
    await this.#moves.updateOne({ _id: this.#id }, { $set: { known } });
  }

  /** The target is an installation of its own from now on. */
  async end(): Promise<void> {
    await this.#moves.updateOne({ _id: this.#id }, { $set: { phase: 'done', doneAt: new Date(this.#now()).toISOString() } });
  }

  /** Gives the move back, if it was taken. */
  async release(): Promise<void> {
    clearInterval(this.#timer);
    await this.#renewing;
    if (this.#timer) await this.#moves.updateOne({ _id: this.#id, 'holder.id': this.#holderId }, { $unset: { holder: true } });
  }
}
