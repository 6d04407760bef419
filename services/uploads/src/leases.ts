/**
 * Who may change an upload, among all replicas: the one whose token its record holds.
 *
 * A holder shows that it lives by beats in the record; whoever waits measures the silence between them with its own clock, so that clocks need
 * not agree. A lease may be lost while its holder goes on (a paused process, a slow network). Nothing depends on its noticing: every change of the
 * record asks for the token, and the blob store lets no byte count that the record does not know.
 */
import { randomUUID } from 'node:crypto';
import { setTimeout as pause } from 'node:timers/promises';
import { Problem } from '@kinora/contracts';
import type { Collection, Filter, Update } from '@kinora/documents';
import { hasEnded, ownIdentity, type ProcessIdentity } from '@kinora/messaging';
import type { UploadDocument } from './store.ts';
import type { Transfers } from './transfers.ts';

/** What the record says of its holder. */
export interface LeaseStamp {
  readonly token: string;
  readonly beats: number;
  /** The service among those of its process. */
  readonly service: string;
  readonly process: ProcessIdentity;
  /** Somebody waits: a transfer that has stalled, or any, is to be ended. */
  readonly wanted?: 'when-stalled' | 'now';
  /** The transfer was ended for somebody; a holder that does not let go soon loses its lease, for it may wait for a store for minutes. */
  readonly isEnding?: boolean;
}

export interface Lease {
  readonly stamp: LeaseStamp;
  /** The record as this lease has last seen it; undefined when there is none. */
  readonly upload: UploadDocument | undefined;
  /** A record that was made with the stamp. */
  adopt(upload: UploadDocument): void;
  /** Changes the record and gives it as it is then. @throws {Problem} upload-locked when the lease is lost */
  change(update: Update): Promise<UploadDocument>;
  release(): Promise<void>;
}

export interface LeasesOptions {
  readonly uploads: Collection<UploadDocument>;
  readonly transfers: Transfers;
  /** Shuts out the former holder of a record that may still write. */
  readonly fence: (upload: UploadDocument) => Promise<void>;
  readonly beatMs: number;
  /** A holder that has been silent, or has not let go of an ended transfer, for so long loses its lease to who waits for it. */
  readonly silentMs: number;
  readonly onError: (error: unknown) => void;
}

export interface Leases {
  /**
   * The lease of an upload, also when it has no record. Undefined when another holder has been alive for `waitMs`: it is asked to end a transfer
   * that has stalled, or with `force` any.
   */
  take(uploadId: string, force: boolean, waitMs: number): Promise<Lease | undefined>;
}

const firstPauseMs = 25;
const longestPauseMs = 200;
const present: Filter = { removedAt: { $exists: false } };

class HeldLease implements Lease {
  readonly stamp: LeaseStamp;
  readonly #uploadId: string;
  readonly #options: LeasesOptions;
  readonly #held: Filter;
  readonly #onEnd: () => void;
  readonly #timer: NodeJS.Timeout;
  #upload: UploadDocument | undefined;
  #isOver = false;

  constructor(options: LeasesOptions, uploadId: string, stamp: LeaseStamp, upload: UploadDocument | undefined, onEnd: () => void) {
    this.stamp = stamp;
    this.#uploadId = uploadId;
    this.#options = options;
    this.#upload = upload;
    this.#onEnd = onEnd;
    this.#held = { _id: uploadId, 'lease.token': stamp.token, ...present };
    this.#timer = setInterval(() => void this.#beat(), options.beatMs).unref();
  }

  get upload(): UploadDocument | undefined {
    return this.#upload;
  }

  adopt(upload: UploadDocument): void {
    this.#upload = upload;
  }

  async change(update: Update): Promise<UploadDocument> {
    const changed = await this.#options.uploads.findOneAndUpdate(this.#held, update);
    if (!changed) throw new Problem('upload-locked', { detail: 'The upload goes on elsewhere; ask for its offset.' });
    this.#upload = changed;
    return changed;
  }

  async #beat(): Promise<void> {
    const { uploads, transfers } = this.#options;
    if (!this.#upload) return;
    const update: Update = { $inc: { 'lease.beats': 1 }, $unset: { 'lease.wanted': true } };
    try {
      const before = await uploads.findOneAndUpdate(this.#held, update, { returns: 'before' });
      if (this.#isOver) return;
      const wanted = before ? before.lease?.wanted : 'now';
      if (wanted !== 'now' && (wanted === undefined || !transfers.isStalled(this.#uploadId))) return;
      transfers.cancel(this.#uploadId);
      await uploads.updateOne(this.#held, { $set: { 'lease.isEnding': true } });
    } catch {
      // While the record is out of reach, nobody else can take the lease either.
    }
  }

  async release(): Promise<void> {
    this.#isOver = true;
    clearInterval(this.#timer);
    try {
      if (this.#upload) await this.#options.uploads.updateOne(this.#held, { $unset: { lease: true } });
    } catch (error) {
      this.#options.onError(error);
    } finally {
      this.#onEnd();
    }
  }
}

/** How long one holder has been silent, or ending, as far as looks at its record tell. */
class Silence {
  #seen: LeaseStamp | undefined;
  #lookedAtMs = 0;
  ms = 0;
  /** True once the holder has beaten, or changed, between two looks. */
  isBroken = false;

  look(lease: LeaseStamp, pausedMs: number): void {
    const nowMs = performance.now();
    const hasBeaten = this.#seen !== undefined && (this.#seen.token !== lease.token || this.#seen.beats !== lease.beats);
    this.isBroken ||= hasBeaten;
    const goesOn = this.#seen?.token === lease.token && (!hasBeaten || this.#seen.isEnding === true);
    // A look that took long says little: the holder may wait for the same database.
    this.ms = goesOn ? this.ms + Math.min(nowMs - this.#lookedAtMs, 2 * pausedMs) : 0;
    this.#seen = lease;
    this.#lookedAtMs = nowMs;
  }
}

class RecordLeases implements Leases {
  readonly #options: LeasesOptions;
  readonly #own = { service: randomUUID(), process: ownIdentity() };
  /** Tokens of leases that this service holds. */
  readonly #active = new Set<string>();

  constructor(options: LeasesOptions) {
    this.#options = options;
  }

  async take(uploadId: string, force: boolean, waitMs: number): Promise<Lease | undefined> {
    const { uploads, silentMs } = this.#options;
    const stamp: LeaseStamp = { token: randomUUID(), beats: 0, ...this.#own };
    const silence = new Silence();
    const startedMs = performance.now();
    let over: LeaseStamp | undefined;
    for (let pauseMs = firstPauseMs, looks = 0; ; looks++) {
      const taken = await this.#put(uploadId, stamp, over);
      if (taken) return this.#hold(uploadId, stamp, taken);
      const current = await uploads.findOne({ _id: uploadId, ...present });
      if (!current) return this.#hold(uploadId, stamp, undefined);
      over = undefined;
      const { lease } = current;
      if (!lease) continue;
      silence.look(lease, pauseMs);
      if (this.#isOver(lease) || silence.ms >= silentMs) {
        over = lease;
        continue;
      }
      if (silence.isBroken && lease.isEnding !== true && performance.now() - startedMs >= waitMs) return undefined;
      if (looks === 0) await this.#want(uploadId, lease, force ? 'now' : 'when-stalled');
      await pause(pauseMs);
      pauseMs = Math.min(2 * pauseMs, longestPauseMs);
    }
  }

  /** Certain that its holder does nothing more. */
  #isOver({ token, service, process }: LeaseStamp): boolean {
    return service === this.#own.service ? !this.#active.has(token) : hasEnded(process, this.#own.process);
  }

  async #want(uploadId: string, { token }: LeaseStamp, wanted: LeaseStamp['wanted']): Promise<void> {
    await this.#options.uploads.updateOne({ _id: uploadId, 'lease.token': token }, { $set: { 'lease.wanted': wanted } });
  }

  /** Puts `stamp` into a free record, or over the lease of a holder that has to yield. */
  #put(uploadId: string, stamp: LeaseStamp, over: LeaseStamp | undefined): Promise<UploadDocument | undefined> {
    const free: Filter = { lease: { $exists: false } };
    const before = over ? { 'lease.token': over.token, ...(over.isEnding !== true && { 'lease.beats': over.beats }) } : free;
    const mayLive = over !== undefined && !this.#isOver(over);
    const update = { $set: { lease: stamp, ...(mayLive && { unfenced: true }) } };
    return this.#options.uploads.findOneAndUpdate({ _id: uploadId, ...present, ...before }, update);
  }

  async #hold(uploadId: string, stamp: LeaseStamp, upload: UploadDocument | undefined): Promise<Lease> {
    this.#active.add(stamp.token);
    const lease = new HeldLease(this.#options, uploadId, stamp, upload, () => this.#active.delete(stamp.token));
    if (upload?.unfenced !== true) return lease;
    try {
      await this.#options.fence(upload);
      await lease.change({ $unset: { unfenced: true } });
      return lease;
    } catch (error) {
      await lease.release();
      throw error;
    }
  }
}

/** Leases in the records of `uploads`. */
export const openLeases = (options: LeasesOptions): Leases => new RecordLeases(options);
