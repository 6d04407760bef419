import { LRUCache } from 'lru-cache';
import { BlobChangedError, BlobStoreError, type BlobInfo, type Blobs } from '@kinora/blobs';
import { playlistCacheControl } from './media-file.ts';

/** A playlist as it was at most 250 ms ago. */
export interface Playlist {
  readonly info: BlobInfo;
  readonly bytes: Buffer;
  readonly cacheControl: string;
}

interface Kept extends Playlist {
  checkedAtMs: number;
}

const freshMs = 250;
const readAttempts = 3;
const maxKeptBytes = 2 * 1024 * 1024;

/** Playlists change while they grow: one stat in 250 ms serves all who ask, and the bytes are read again only when it differs. */
export class Playlists {
  readonly #blobs: Blobs;
  readonly #nowMs: () => number;
  readonly #kept = new LRUCache<string, Kept>({ maxSize: maxKeptBytes, sizeCalculation: ({ bytes }) => bytes.length + 500 });
  readonly #checking = new Map<string, Promise<Kept | undefined>>();

  constructor(blobs: Blobs, nowMs: () => number) {
    this.#blobs = blobs;
    this.#nowMs = nowMs;
  }

  /** The playlist when it need not be checked now. */
  fresh(key: string): Playlist | undefined {
    const kept = this.#kept.get(key);
    return kept && Math.abs(this.#nowMs() - kept.checkedAtMs) < freshMs ? kept : undefined;
  }

  /** Undefined when there is no such blob. */
  async open(key: string): Promise<Playlist | undefined> {
    const fresh = this.fresh(key);
    if (fresh) return fresh;
    let checking = this.#checking.get(key);
    if (!checking) {
      checking = this.#check(key).finally(() => this.#checking.delete(key));
      this.#checking.set(key, checking);
    }
    return checking;
  }

  async #check(key: string): Promise<Kept | undefined> {
    const checkedAtMs = this.#nowMs();
    const kept = this.#kept.get(key);
    try {
      if (kept && (await this.#blobs.stat(key))?.etag === kept.info.etag) return Object.assign(kept, { checkedAtMs });
      const read = await this.#readUnchanged(key, checkedAtMs);
      if (read) this.#kept.set(key, read);
      else this.#kept.delete(key);
      return read;
    } catch (error) {
      // With the store out of reach players go on with what there was.
      if (kept && error instanceof BlobStoreError) return Object.assign(kept, { checkedAtMs });
      throw error;
    }
  }

  /** Reads again when the playlist was replaced meanwhile. */
  async #readUnchanged(key: string, checkedAtMs: number): Promise<Kept | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#read(key, checkedAtMs);
      } catch (error) {
        if (!(error instanceof BlobChangedError) || attempt === readAttempts) throw error;
      }
    }
  }

  async #read(key: string, checkedAtMs: number): Promise<Kept | undefined> {
    const reader = await this.#blobs.open(key);
    if (!reader) return undefined;
    try {
      const { info } = reader;
      const bytes = Buffer.allocUnsafeSlow(info.bytes);
      const whole = bytes.subarray(0, await reader.read(bytes, 0));
      return { info, bytes: whole, cacheControl: playlistCacheControl(whole.toString()), checkedAtMs };
    } finally {
      await reader.close();
    }
  }
}
