import { LRUCache } from 'lru-cache';
import type { BlobInfo, BlobReader, Blobs } from '@kinora/blobs';
import { ArrivingSegment } from './arriving-segment.ts';

/** A whole immutable blob in memory. */
export interface HotSegment {
  readonly info: BlobInfo;
  readonly bytes: Buffer;
  /** Responses that are sending it now; whoever sends counts up and down. */
  users: number;
}

const keysRemembered = 8_192;

/**
 * Immutable blobs that were asked for at least twice, at most `maxBytes` of them: watching one film to its end pushes nothing out.
 * One read into memory serves everybody who waits for a segment. Nothing is allocated ahead.
 * Where blobs lie in another machine, a read takes time and costs: already the first one goes through memory, and whoever asks meanwhile shares it.
 */
export class HotSegments {
  readonly #blobs: Blobs;
  readonly #maxBytes: number;
  readonly #segments: LRUCache<string, HotSegment>;
  readonly #seen = new LRUCache<string, 'once' | 'too-large'>({ max: keysRemembered });
  readonly #loading = new Map<string, Promise<HotSegment | undefined>>();
  readonly #arriving = new Map<string, Promise<ArrivingSegment | undefined>>();
  #loadingBytes = 0;
  /** Evicted, but still held by slow clients. */
  readonly #evicted = new Set<HotSegment>();

  constructor(blobs: Blobs, maxBytes: number) {
    this.#blobs = blobs;
    this.#maxBytes = maxBytes;
    this.#segments = new LRUCache<string, HotSegment>({
      maxSize: Math.max(1, maxBytes),
      sizeCalculation: ({ bytes }) => Math.max(1, bytes.length),
      dispose: (segment) => void (segment.users > 0 && this.#evicted.add(segment)),
    });
  }

  /** Bytes that are kept at present. */
  get bytes(): number {
    return this.#segments.calculatedSize;
  }

  get(key: string): HotSegment | undefined {
    return this.#segments.get(key);
  }

  /** A segment in memory or on its way there, else a reader that the caller closes; undefined when there is no such blob. */
  async open(key: string): Promise<HotSegment | ArrivingSegment | BlobReader | undefined> {
    const hot = this.get(key) ?? (await this.#loading.get(key));
    if (hot) return hot;
    if (this.#blobs.directory === undefined) return this.#share(key);
    const seen = this.#seen.get(key);
    if (seen === undefined) this.#seen.set(key, 'once');
    if (seen !== 'once') return this.#blobs.open(key);
    const loading = this.#loading.get(key) ?? this.#load(key);
    return (await loading) ?? this.#blobs.open(key);
  }

  async #share(key: string): Promise<ArrivingSegment | BlobReader | undefined> {
    const shared = await this.#arriving.get(key);
    if (shared) shared.isWanted = true;
    if (shared ?? this.#seen.get(key) === 'too-large') return shared ?? this.#blobs.open(key);
    const begun = Promise.withResolvers<ArrivingSegment | undefined>();
    let segment: ArrivingSegment | undefined;
    this.#arriving.set(key, begun.promise);
    try {
      const reader = await this.#blobs.open(key);
      if (!reader || !this.#hasRoom(reader.info)) return reader;
      segment = new ArrivingSegment(reader);
      segment.isWanted = this.#seen.get(key) !== undefined;
      this.#seen.set(key, 'once');
      void this.#arrive(segment);
      return segment;
    } finally {
      if (!segment) this.#arriving.delete(key);
      begun.resolve(segment);
    }
  }

  async #arrive(segment: ArrivingSegment): Promise<void> {
    const { key, bytes } = segment.info;
    this.#loadingBytes += bytes;
    const isWhole = await segment.arrived;
    this.#loadingBytes -= bytes;
    this.#arriving.delete(key);
    if (isWhole && segment.isWanted) this.#segments.set(key, segment);
    else this.#evicted.add(segment);
  }

  #hasRoom({ key, bytes }: BlobInfo): boolean {
    const isTooLarge = bytes > this.#maxBytes / 4;
    if (isTooLarge) this.#seen.set(key, 'too-large');
    return !isTooLarge && bytes <= this.#freeBytes();
  }

  #load(key: string): Promise<HotSegment | undefined> {
    const loading = this.#read(key).finally(() => this.#loading.delete(key));
    this.#loading.set(key, loading);
    return loading;
  }

  /** Undefined when the blob is absent, too large to keep, or memory is taken by slow clients. */
  async #read(key: string): Promise<HotSegment | undefined> {
    const reader = await this.#blobs.open(key);
    if (!reader) return undefined;
    let reserved = 0;
    try {
      const { info } = reader;
      if (!this.#hasRoom(info)) return undefined;
      this.#loadingBytes += reserved = info.bytes;
      const bytes = Buffer.allocUnsafeSlow(info.bytes);
      if ((await reader.read(bytes, 0)) !== info.bytes) return undefined;
      const segment = { info, bytes, users: 0 };
      this.#segments.set(key, segment);
      return segment;
    } finally {
      this.#loadingBytes -= reserved;
      await reader.close();
    }
  }

  #freeBytes(): number {
    let held = this.#loadingBytes;
    for (const segment of this.#evicted) {
      if (segment.users === 0) this.#evicted.delete(segment);
      else held += segment.bytes.length;
    }
    return this.#maxBytes - held;
  }
}
