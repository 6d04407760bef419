import type { ServerResponse } from 'node:http';
import type { BlobReader } from '@kinora/blobs';
import type { Answer, Piece } from './answer.ts';
import type { ArrivingSegment } from './arriving-segment.ts';
import type { BufferPool } from './buffer-pool.ts';

/** A response of which the client takes nothing for this long is destroyed, and with it goes all that it holds. */
export interface SendOptions {
  readonly stallMs: number;
}

/** Sends `answer` with bytes that are in memory. Returns at once; the bytes must not change. */
export function sendFromMemory(
  response: ServerResponse,
  { status, headers, pieces }: Answer,
  bytes: Buffer,
  { stallMs }: SendOptions,
): void {
  const cut = (piece: Piece): Buffer => (piece instanceof Uint8Array ? piece : bytes.subarray(piece.start, piece.end));
  response.writeHead(status, headers);
  const [first, second] = pieces;
  if (!first) response.end();
  else if (!second) response.end(cut(first));
  else {
    for (const piece of pieces) response.write(cut(piece));
    response.end();
  }
  if (!response.writableFinished) response.setTimeout(stallMs);
}

/** Resolves when the bytes have left this process; false when the client is gone. */
const write = (response: ServerResponse, bytes: Uint8Array): Promise<boolean> =>
  new Promise((resolve) => void response.write(bytes, (error) => resolve(!error && !response.destroyed)));

/** Sends the bytes of one range through `buffer`; false when the client is gone or the blob ended early. */
async function sendRange(
  response: ServerResponse,
  reader: Pick<BlobReader, 'read'>,
  { start, end }: { start: number; end: number },
  buffer: Buffer,
): Promise<boolean> {
  for (let position = start; position < end;) {
    const target = end - position < buffer.length ? buffer.subarray(0, end - position) : buffer;
    const filled = await reader.read(target, position);
    if (filled !== target.length || response.destroyed) return false;
    if (!(await write(response, target))) return false;
    position += filled;
  }
  return true;
}

/** Sends `answer` with the bytes of `reader` through one pooled buffer, no faster than the client takes them. The caller closes the reader. */
export async function sendFromBlob(
  response: ServerResponse,
  { status, headers, pieces }: Answer,
  reader: Pick<BlobReader, 'read'>,
  pool: BufferPool,
  { stallMs }: SendOptions,
): Promise<void> {
  response.writeHead(status, headers);
  if (pieces.length === 0) return void response.end();
  response.setTimeout(stallMs);
  const buffer = pool.take();
  try {
    for (const piece of pieces) {
      const sent = piece instanceof Uint8Array ? await write(response, piece) : await sendRange(response, reader, piece, buffer);
      // Content-Length has been promised: only a cut connection tells the client that this is not all.
      if (!sent) return void response.destroy();
    }
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  } finally {
    pool.give(buffer);
  }
}

/** Sends `answer` with bytes that are still coming into memory, as they come. @throws what reading them threw; the connection is cut then */
export async function sendArriving(
  response: ServerResponse,
  { status, headers, pieces }: Answer,
  segment: ArrivingSegment,
  { stallMs }: SendOptions,
): Promise<void> {
  response.writeHead(status, headers);
  if (pieces.length === 0) return void response.end();
  response.setTimeout(stallMs);
  segment.users++;
  response.once('close', () => segment.users--);
  try {
    for (const piece of pieces) {
      if (piece instanceof Uint8Array) await write(response, piece);
      else
        for (let position = piece.start; position < piece.end && !response.destroyed;) {
          const end = Math.min(await segment.reach(position), piece.end);
          await write(response, segment.bytes.subarray(position, end));
          position = end;
        }
    }
    response.end();
  } catch (error) {
    response.destroy();
    throw error;
  }
}
