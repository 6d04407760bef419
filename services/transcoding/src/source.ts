import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { BlobNotFoundError, type BlobInfo, type Blobs } from '@kinora/blobs';

/** What ffmpeg and ffprobe read, for as long as `read` takes. */
export interface OpenSource {
  /** A path, or a URL on loopback. */
  readonly location: string;
  /** Also ends when the source cannot be read any more. */
  readonly signal: AbortSignal;
}

/** `[start, end)` that a Range header asks of `bytes`; undefined when there is nothing there. */
function rangeOf(header: string | undefined, bytes: number): { start: number; end: number } | undefined {
  const [, first = '0', last = ''] = /^bytes=(\d+)-(\d*)$/.exec(header ?? '') ?? [];
  const start = Number(first);
  const end = last === '' ? bytes : Math.min(Number(last) + 1, bytes);
  return start < end ? { start, end } : undefined;
}

/** Sends a range as it comes. When it ends early, so that only a part of it is there, `onLost` is told and the response stays open. */
async function send(
  blobs: Blobs,
  { key, bytes }: BlobInfo,
  request: IncomingMessage,
  response: ServerResponse,
  onLost: (error: unknown) => void,
): Promise<void> {
  const range = rangeOf(request.headers.range, bytes);
  if (!range) return void response.writeHead(416, { 'content-range': `bytes */${bytes}` }).end();
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    const body = await blobs.stream(key, range, gone.signal);
    response.writeHead(206, {
      'accept-ranges': 'bytes',
      'content-length': range.end - range.start,
      'content-range': `bytes ${range.start}-${range.end - 1}/${bytes}`,
    });
    for await (const bytesSent of body) if (!response.write(bytesSent)) await once(response, 'drain', { signal: gone.signal });
    response.end();
  } catch (error) {
    // Whoever seeks elsewhere closes the connection.
    if (!gone.signal.aborted) onLost(error);
  }
}

/**
 * Lets `read` have the source at `key`: a path where blobs are files, else a URL on loopback behind which the blob store is read.
 *
 * Not the store's own signed URL: both ffmpeg 4.1 and 5.1 end well, with what they have, when its connection breaks or it has expired; the
 * statically linked 4.1 of npm crashes on host names; and a URL that gives a right would be in the list of processes. Here a break is mended,
 * and what cannot be mended ends `signal` and is thrown: a cut source is never taken for a short one.
 * @throws {BlobNotFoundError} {BlobStoreError} and what `read` throws
 */
export async function withSource<T>(blobs: Blobs, key: string, signal: AbortSignal, read: (source: OpenSource) => Promise<T>): Promise<T> {
  if (blobs.directory !== undefined) return read({ location: await blobs.locate(key), signal });
  const info = await blobs.stat(key);
  if (!info) throw new BlobNotFoundError(`There is no blob ${key}`);
  const lost = new AbortController();
  const path = `/${randomUUID()}`;
  const server = createServer((request, response) => {
    if (request.url !== path) return void response.writeHead(404).end();
    void send(blobs, info, request, response, (error) => lost.abort(error));
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(0, '127.0.0.1', resolve));
  try {
    const location = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`;
    return await read({ location, signal: AbortSignal.any([signal, lost.signal]) });
  } catch (error) {
    throw lost.signal.aborted && !signal.aborted ? lost.signal.reason : error;
  } finally {
    server.close();
    server.closeAllConnections();
  }
}
