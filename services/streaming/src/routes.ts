import { randomUUID } from 'node:crypto';
import type { IncomingHttpHeaders, ServerResponse } from 'node:http';
import type { BlobInfo, Blobs } from '@kinora/blobs';
import { Problem } from '@kinora/contracts';
import type { App, Log, Metrics } from '@kinora/service';
import { answerTo, unsatisfiedRange, type Answer, type Representation } from './answer.ts';
import { BufferPool } from './buffer-pool.ts';
import type { StreamingConfig } from './config.ts';
import { HotSegments, type HotSegment } from './hot-segments.ts';
import { immutableCacheControl, mediaFile, type MediaFile } from './media-file.ts';
import { Playlists, type Playlist } from './playlists.ts';
import { sentCounter } from './sent-counter.ts';
import { sendFromBlob, sendFromMemory } from './send.ts';
import { tokenChecker } from './tokens.ts';

export interface RoutesOptions {
  readonly config: StreamingConfig;
  readonly blobs: Blobs;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
}

interface MediaRoute {
  Params: { token: string; assetId: string; '*': string };
}
/** What is needed of Fastify's request and reply. */
interface Request {
  readonly id: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly params: MediaRoute['Params'];
}
interface Reply {
  readonly raw: ServerResponse;
  readonly sent: boolean;
  header(name: string, value: string): unknown;
  hijack(): unknown;
}

const coldBufferBytes = 1024 * 1024;
const url = '/media/:token/:assetId/*';
const exposedHeaders = 'content-length, content-range, accept-ranges, etag, x-request-id';

/** A page of any origin may read the answer, problems included: the token is what gives the right. */
const readableElsewhere = { 'access-control-allow-origin': '*', 'access-control-expose-headers': exposedHeaders };

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

/** Decides the answer and takes the response out of Fastify's hands. @throws {Problem} before that, with Content-Range where it belongs */
function begin(request: Request, reply: Reply, facts: Facts, cacheControl: string, nowMs: number): Answer {
  const question = { method: request.method, headers: request.headers, nowSeconds: nowMs / 1000, boundary: randomUUID };
  let answer: Answer;
  try {
    answer = answerTo(question, { ...facts, cacheControl });
  } catch (error) {
    if (error instanceof Problem && error.slug === 'range-not-satisfiable') reply.header('content-range', unsatisfiedRange(facts.bytes));
    throw error;
  }
  answer.headers.push(...sentWithFiles, 'x-request-id', request.id);
  reply.hijack();
  return answer;
}

const missing = (): Problem => new Problem('not-found', { detail: 'This asset has no such file.' });

/** The three ways to send a file: a playlist, a hot segment, and whatever has to be asked of the blob store. */
function senders({ config, log, metrics }: RoutesOptions, segments: HotSegments) {
  const pool = new BufferPool(coldBufferBytes);
  const sent = sentCounter(metrics, segments);
  const options = { stallMs: config.stallSeconds * 1000 };

  const sendPlaylist = (request: Request, reply: Reply, file: MediaFile, playlist: Playlist | undefined, nowMs: number): void => {
    if (!playlist) throw missing();
    const answer = begin(request, reply, factsOf(playlist.info, file), playlist.cacheControl, nowMs);
    sendFromMemory(reply.raw, answer, playlist.bytes, options);
  };
  const sendHot = (request: Request, reply: Reply, file: MediaFile, segment: HotSegment, cacheControl: string, nowMs: number): void => {
    const answer = begin(request, reply, factsOf(segment.info, file), cacheControl, nowMs);
    sent.from('hot');
    segment.users++;
    reply.raw.once('close', () => segment.users--);
    sendFromMemory(reply.raw, answer, segment.bytes, options);
  };
  const sendOther = async (request: Request, reply: Reply, file: MediaFile, cacheControl: string, nowMs: number): Promise<void> => {
    const opened = await segments.open(file.key);
    if (!opened) throw missing();
    if ('users' in opened) return sendHot(request, reply, file, opened, cacheControl, nowMs);
    try {
      const answer = begin(request, reply, factsOf(opened.info, file), cacheControl, nowMs);
      sent.from('cold');
      await sendFromBlob(reply.raw, answer, opened, pool, options);
    } catch (err) {
      if (!reply.sent) throw err;
      log.error({ requestId: request.id, err }, 'reading a blob failed');
    } finally {
      await opened.close();
    }
  };

  return { sendPlaylist, sendHot, sendOther };
}

type Respond = (request: Request, reply: Reply) => void | Promise<void>;

/** Answers GET and HEAD: without a promise when all is in memory. */
function responder(options: RoutesOptions): Respond {
  const { config, blobs, now } = options;
  const checkToken = tokenChecker(config.playbackSecret);
  const segments = new HotSegments(blobs, config.cacheBytes);
  const playlists = new Playlists(blobs, () => now().getTime());
  const { sendPlaylist, sendHot, sendOther } = senders(options, segments);

  return (request, reply) => {
    const nowMs = now().getTime();
    const { token, assetId, '*': path } = request.params;
    const secondsLeft = checkToken(token, assetId, nowMs / 1000);
    const file = mediaFile(assetId, path);
    if (!file) throw missing();
    if (file.isPlaylist) {
      const playlist = playlists.fresh(file.key);
      if (playlist) return sendPlaylist(request, reply, file, playlist, nowMs);
      return playlists.open(file.key).then((opened) => sendPlaylist(request, reply, file, opened, nowMs));
    }
    const cacheControl = immutableCacheControl(secondsLeft);
    const segment = segments.get(file.key);
    return segment ? sendHot(request, reply, file, segment, cacheControl, nowMs) : sendOther(request, reply, file, cacheControl, nowMs);
  };
}

/** GET, HEAD and OPTIONS of `/media/{token}/{assetId}/{path…}`. */
export const routes =
  (options: RoutesOptions) =>
  (app: App): void => {
    const respond = responder(options);
    app.route<MediaRoute>({
      method: ['GET', 'HEAD'],
      url,
      schema: {
        tags: ['media'],
        summary: 'A playlist, segment or picture of an asset',
        description: 'Takes Range, If-Range, If-Match, If-None-Match and If-(Un)Modified-Since.',
      },
      handler(request, reply) {
        const refuse = (error: unknown): never => {
          if (!reply.sent) reply.headers(readableElsewhere);
          throw error;
        };
        try {
          return respond(request, reply)?.catch(refuse);
        } catch (error) {
          return refuse(error);
        }
      },
    });
    const preflight = {
      ...readableElsewhere,
      'access-control-allow-methods': 'GET, HEAD, OPTIONS',
      'access-control-max-age': '86400',
    };
    app.options(url, { schema: { hide: true } }, (request, reply) => {
      const wanted = request.headers['access-control-request-headers'];
      if (wanted !== undefined) reply.header('access-control-allow-headers', wanted).header('vary', 'access-control-request-headers');
      return reply.code(204).headers(preflight).send();
    });
  };
