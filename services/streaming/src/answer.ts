import type { IncomingHttpHeaders } from 'node:http';
import { Problem } from '@kinora/contracts';
import { isRangeWanted, precondition, type Validators } from './conditions.ts';
import { contentRange, parseRange, type ByteRange } from './ranges.ts';

/** What is known of a file before any of its bytes are read. */
export interface Representation extends Validators {
  readonly bytes: number;
  readonly contentType: string;
  readonly cacheControl: string;
  /** HTTP-date of `modifiedAtSeconds`. */
  readonly lastModified: string;
}

/** Bytes of the file, or bytes as they are. */
export type Piece = ByteRange | Buffer;

export interface Answer {
  readonly status: 200 | 206 | 304;
  /** Names and values in turn, as `writeHead` takes them. */
  readonly headers: string[];
  /** The body in order; empty for HEAD and 304. */
  readonly pieces: readonly Piece[];
}

export interface Question {
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly nowSeconds: number;
  /** A new multipart boundary that occurs in no file. */
  readonly boundary: () => string;
}

const lengthOf = (piece: Piece): number => (piece instanceof Uint8Array ? piece.length : piece.end - piece.start);

function multipart(ranges: readonly ByteRange[], { bytes, contentType }: Representation, boundary: string): Piece[] {
  const pieces = ranges.flatMap((range, index): Piece[] => [
    Buffer.from(
      `${index === 0 ? '' : '\r\n'}--${boundary}\r\ncontent-type: ${contentType}\r\ncontent-range: ${contentRange(range, bytes)}\r\n\r\n`,
    ),
    range,
  ]);
  return [...pieces, Buffer.from(`\r\n--${boundary}--\r\n`)];
}

/** Content-Range of a 416 for `bytes`. */
export const unsatisfiedRange = (bytes: number): string => `bytes */${bytes}`;

/**
 * The answer to a GET or HEAD for `file`: whole, in ranges, or not modified (RFC 9110 §13, §14).
 * @throws {Problem} precondition-failed, range-not-satisfiable with `bytes`
 */
export function answerTo({ method, headers, nowSeconds, boundary }: Question, file: Representation): Answer {
  const outcome = precondition(headers, file);
  if (outcome === 'failed')
    throw new Problem('precondition-failed', { detail: 'The file differs from the one named by If-Match or If-Unmodified-Since.' });
  const common = ['etag', file.etag, 'last-modified', file.lastModified, 'cache-control', file.cacheControl, 'accept-ranges', 'bytes'];
  if (outcome === 'not-modified') return { status: 304, headers: common, pieces: [] };
  const { bytes, contentType } = file;
  const asked = method === 'GET' && headers.range !== undefined && isRangeWanted(headers['if-range'], file, nowSeconds);
  const ranges = asked ? parseRange(headers.range, bytes) : undefined;
  if (ranges === 'unsatisfiable') throw new Problem('range-not-satisfiable', { detail: `The file has ${bytes} bytes.`, bytes });
  const [first, second] = ranges ?? [];
  if (!ranges || !first) {
    const pieces = method === 'HEAD' || bytes === 0 ? [] : [{ start: 0, end: bytes }];
    return { status: 200, headers: [...common, 'content-type', contentType, 'content-length', String(bytes)], pieces };
  }
  if (!second) {
    const partial = ['content-type', contentType, 'content-range', contentRange(first, bytes), 'content-length', String(lengthOf(first))];
    return { status: 206, headers: [...common, ...partial], pieces: [first] };
  }
  const mark = boundary();
  const pieces = multipart(ranges, file, mark);
  const length = pieces.reduce((sum, piece) => sum + lengthOf(piece), 0);
  return {
    status: 206,
    headers: [...common, 'content-type', `multipart/byteranges; boundary=${mark}`, 'content-length', String(length)],
    pieces,
  };
}
