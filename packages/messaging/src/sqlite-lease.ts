import { hasEnded, ownIdentity } from './process-identity.ts';
import type { Owner, QueueFile } from './sqlite-file.ts';

const lookMs = 1_000;

/** The lease under which one bus holds the messages that it has under way, and its look at those of others. */
export class Lease {
  readonly #file: QueueFile;
  readonly #leaseMs: number;
  readonly #identity = ownIdentity();
  #owner = randomId();
  #renewAt = 0;
  #lookAt = 0;
  /** Owners of leases that have run out, and when that was first seen. */
  #lapsedSince: ReadonlyMap<number, number> = new Map();

  /** `leaseMs` is how long the lease outlives its last renewal. */
  constructor(file: QueueFile, leaseMs: number) {
    this.#file = file;
    this.#leaseMs = leaseMs;
  }

  /** Marks messages held under this lease; a new number once a lease was lost. */
  get owner(): number {
    return this.#owner;
  }

  /** True when a third of the lease has passed since it was renewed. */
  isRenewalDue(now: number): boolean {
    return now >= this.#renewAt;
  }

  /** Extends the lease, within a transaction; false when it had been ended meanwhile and a new one begins, without the messages of the old one. */
  renew(now: number): boolean {
    const leaseUntil = now + this.#leaseMs;
    this.#renewAt = now + this.#leaseMs / 3;
    if (this.#file.renew(this.#owner, leaseUntil)) return true;
    this.#owner = randomId();
    this.#file.register({ id: this.#owner, ...this.#identity, leaseUntil });
    return false;
  }

  /** Makes the next `evictEnded` look. */
  lookSoon(): void {
    this.#lookAt = 0;
  }

  /**
   * Once a second, returns to the queues what processes hold that have ended or whose lease has run out; how many messages.
   * A lease must be seen to have run out twice, a third of it apart: after a pause of the whole machine everybody gets to renew first.
   */
  evictEnded(now: number): number {
    if (now < this.#lookAt) return 0;
    this.#lookAt = now + Math.min(lookMs, this.#leaseMs / 3);
    const others = this.#file.owners().filter(({ id }) => id !== this.#owner);
    const lapsed = others.filter(({ leaseUntil }) => leaseUntil < now);
    this.#lapsedSince = new Map(lapsed.map(({ id }) => [id, this.#lapsedSince.get(id) ?? now]));
    const ended = others.filter((owner) => this.#isEnded(owner, now));
    if (ended.length === 0) return 0;
    return this.#file.transaction(() => ended.reduce((sum, owner) => sum + this.#file.evict(owner.id, owner.leaseUntil), 0));
  }

  /** Ends the lease. */
  end(): void {
    this.#file.evict(this.#owner);
  }

  #isEnded(owner: Owner, now: number): boolean {
    return now - (this.#lapsedSince.get(owner.id) ?? now) >= this.#leaseMs / 3 || hasEnded(owner, this.#identity);
  }
}

/** A number that nobody else draws: 48 random bits. */
export function randomId(): number {
  const [high = 0, middle = 0, low = 0] = crypto.getRandomValues(new Uint16Array(3));
  return (high * 2 ** 16 + middle) * 2 ** 16 + low;
}
