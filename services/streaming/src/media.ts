import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import { BlobStoreError, type BlobInfo, type Blobs } from '@kinora/blobs';
import { Problem } from '@kinora/contracts';
import type { Log, Metrics } from '@kinora/service';
import { answerTo, type Answer, type Representation } from './answer.ts';
import { ArrivingSegment } from './arriving-segment.ts';
import { BufferPool } from './buffer-pool.ts';
import type { StreamingConfig } from './config.ts';
import { HotSegments, type HotSegment } from './hot-segments.ts';
import { immutableCacheControl, mediaFile, type MediaFile } from './media-file.ts';
import { Playlists, type Playlist } from './playlists.ts';
import { sendArriving, sendFromBlob, sendFromMemory } from './send.ts';
import { sentCounter } from './sent-counter.ts';
import { tokenChecker } from './tokens.ts';

export interface MediaOptions {
  readonly config: StreamingConfig;
  readonly blobs: Blobs;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
}

/** A GET or HEAD of a file below an asset. */
export interface MediaRequest {
  readonly id: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly token: string;
  readonly assetId: string;
  /** Decoded, without a leading slash. */
  readonly path: string;
}

/** Sends files of assets. Whatever is refused is refused before anything is written. */
export interface Media {
  /**
   * Sends what is in memory without waiting for anything; false when the blob store has to be asked.
   * @throws {Problem} invalid-playback-token, not-found, precondition-failed, range-not-satisfiable
   */
  sendFromMemory(request: MediaRequest, response: ServerResponse): boolean;
  /** Sends what has to be read first; `begin` is called just before the first byte. @throws {Problem} as `sendFromMemory` */
  sendFromBlobs(request: MediaRequest, response: ServerResponse, begin: () => void): Promise<void>;
}

/** A page of any origin may read the answer, problems included: the token is what gives the right. */
export const readableElsewhere = {
  'access-control-allow-origin': '*',
  'access-control-expose-headers': 'content-length, content-range, accept-ranges, etag, x-request-id',
};

const coldBufferBytes = 1024 * 1024;
const sentWithFiles = [
  ...Object.entries(readableElsewhere).flat(),
  'cross-origin-resource-policy',
  'cross-origin',
  'x-content-type-options',
  'nosniff',
];

type Facts = Omit<Representation, 'cacheControl'>;
const knownFacts = new WeakMap<BlobInfo, Facts>();

/** What `info` says in HTTP's words, computed once for as long as it is kept. */
function factsOf(info: BlobInfo, { contentType }: MediaFile): Facts {
  const known = knownFacts.get(info);
  if (known) return known;
  const modifiedAt = new Date(info.modifiedAt);
  const modifiedAtSeconds = Math.floor(modifiedAt.getTime() / 1000);
  const facts = { bytes: info.bytes, etag: `"${info.etag}"`, modifiedAtSeconds, lastModified: modifiedAt.toUTCString(), contentType };
  knownFacts.set(info, facts);
  return facts;
}

const missing = (): Problem => new Problem('not-found', { detail: 'This asset has no such file.' });

function answer({ id, method, headers }: MediaRequest, facts: Facts, cacheControl: string, nowMs: number): Answer {
  const made = answerTo({ method, headers, nowSeconds: nowMs / 1000, boundary: randomUUID }, { ...facts, cacheControl });
  made.headers.push(...sentWithFiles, 'x-request-id', id);
  return made;
}

/** What a failed read says to the client. */
function storeProblem(err: unknown, { id }: MediaRequest, log: Log): unknown {
  if (!(err instanceof BlobStoreError)) return err;
  log.warn({ requestId: id, err }, 'the blob store does not answer');
  return new Problem('service-unavailable', { detail: 'The store of videos does not answer.' });
}

/** Files of assets from `blobs`: playlists as they are now, hot segments from memory, cold ones through a pooled buffer. */
export function openMedia({ config, blobs, log, metrics, now }: MediaOptions): Media {
  const checkToken = tokenChecker(config.playbackSecret);
  const segments = new HotSegments(blobs, config.cacheBytes);
  const playlists = new Playlists(blobs, () => now().getTime());
  const pool = new BufferPool(coldBufferBytes);
  const sent = sentCounter(metrics, segments);
  const sending = { stallMs: config.stallSeconds * 1000 };

  const find = ({ token, assetId, path }: MediaRequest): { file: MediaFile; nowMs: number; cacheControl: string } => {
    const nowMs = now().getTime();
    const secondsLeft = checkToken(token, assetId, nowMs / 1000);
    const file = mediaFile(assetId, path);
    if (!file) throw missing();
    return { file, nowMs, cacheControl: immutableCacheControl(secondsLeft) };
  };
  const sendPlaylist = (response: ServerResponse, { bytes }: Playlist, made: Answer): void => {
    sendFromMemory(response, made, bytes, sending);
  };
  const sendHot = (response: ServerResponse, segment: HotSegment, made: Answer): void => {
    sent.from('hot');
    segment.users++;
    response.once('close', () => segment.users--);
    sendFromMemory(response, made, segment.bytes, sending);
  };

  return {
    sendFromMemory(request, response) {
      const { file, nowMs, cacheControl } = find(request);
      if (file.isPlaylist) {
        const playlist = playlists.fresh(file.key);
        if (!playlist) return false;
        sendPlaylist(response, playlist, answer(request, factsOf(playlist.info, file), playlist.cacheControl, nowMs));
        return true;
      }
      const segment = segments.get(file.key);
      if (!segment) return false;
      sendHot(response, segment, answer(request, factsOf(segment.info, file), cacheControl, nowMs));
      return true;
    },
    async sendFromBlobs(request, response, begin) {
      const { file, nowMs, cacheControl } = find(request);
      const opened = await (file.isPlaylist ? playlists : segments).open(file.key).catch((err: unknown) => {
        throw storeProblem(err, request, log);
      });
      if (!opened) throw missing();
      const makeAnswer = (cached: string): Answer => {
        const made = answer(request, factsOf(opened.info, file), cached, nowMs);
        begin();
        return made;
      };
      if ('cacheControl' in opened) return sendPlaylist(response, opened, makeAnswer(opened.cacheControl));
      if ('users' in opened && !(opened instanceof ArrivingSegment)) return sendHot(response, opened, makeAnswer(cacheControl));
      try {
        const made = makeAnswer(cacheControl);
        sent.from('cold');
        if (opened instanceof ArrivingSegment) await sendArriving(response, made, opened, sending);
        else await sendFromBlob(response, made, opened, pool, sending);
      } catch (err) {
        // An answer that has begun is cut off: only that tells the client that it is not whole.
        if (!response.headersSent) throw err;
        log.error({ requestId: request.id, err }, 'reading a blob failed');
      } finally {
        if (!(opened instanceof ArrivingSegment)) await opened.close();
      }
    },
  };
}
