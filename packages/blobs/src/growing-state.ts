/** What the record of a growing blob says where a store takes parts. Pure: JSON text in and out. */
import { BlobNotFoundError } from './port.ts';

/** Bytes that do not fill a part yet, as an object of their own. */
export interface Piece {
  readonly name: string;
  readonly bytes: number;
}

export interface PartsState {
  /** What the store calls the blob while it is in parts; empty where it needs no name, or for a blob without bytes. */
  readonly upload: string;
  /** Bytes of each part but the last. */
  readonly partBytes: number;
  /** Numbers of the parts that count, in order, as half-open ranges: a number is never used twice, so some are left out. */
  readonly parts: readonly (readonly [start: number, end: number])[];
  /** Bytes in those parts. */
  readonly partedBytes: number;
  /** What follows the parts. */
  readonly pieces: readonly Piece[];
  /** The first number that no writer may have used. */
  readonly nextNumber: number;
}

export const newState = (upload: string, partBytes: number): PartsState => ({
  ...{ upload, partBytes, parts: [], partedBytes: 0, pieces: [], nextNumber: 1 },
});

/** @throws {BlobNotFoundError} for a blob that was begun elsewhere */
export function readState(text: string): PartsState {
  if (text === '') throw new BlobNotFoundError('The blob was not begun in this store');
  return JSON.parse(text) as PartsState;
}
export const writeState = (state: PartsState): string => JSON.stringify(state);

export const pieceBytes = ({ pieces }: PartsState): number => pieces.reduce((sum, { bytes }) => sum + bytes, 0);

/** Bytes that count. */
export const offsetOf = (state: PartsState): number => state.partedBytes + pieceBytes(state);

/** With part `number` of `bytes` after the others; it takes the place of the pieces. */
export function withPart(state: PartsState, number: number, bytes: number): PartsState {
  const last = state.parts.at(-1);
  const parts: PartsState['parts'] =
    last?.[1] === number ? [...state.parts.slice(0, -1), [last[0], number + 1]] : [...state.parts, [number, number + 1]];
  return { ...state, parts, partedBytes: state.partedBytes + bytes, pieces: [] };
}

export const withPiece = (state: PartsState, piece: Piece): PartsState => ({ ...state, pieces: [...state.pieces, piece] });

/** Numbers of the parts that count, in order. */
export function* numbersOf({ parts }: PartsState): Generator<number> {
  for (const [start, end] of parts) for (let number = start; number < end; number++) yield number;
}

export interface PartLimits {
  /** Bytes that every part but the last has at least. */
  readonly minPartBytes: number;
  /** Parts that a blob may be planned to have. */
  readonly plannedParts: number;
  /** Bytes that may be held in memory until they are stored. */
  readonly heldBytes: number;
}

const megabyte = 1024 * 1024;

/** Bytes of each part of a blob of `lengthBytes`: as few as the number of parts allows, in whole MiB. */
export function partBytesFor(lengthBytes: number, { minPartBytes, plannedParts }: PartLimits): number {
  return Math.max(minPartBytes, Math.ceil(lengthBytes / plannedParts / megabyte) * megabyte);
}
