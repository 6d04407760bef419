import { newEnvelope } from '../src/envelope.ts';
import { type Outboxed, outboxIndex } from '../src/outbox.ts';
import type { Envelope } from '../src/port.ts';

/** A document for the outbox tests. */
export interface Video extends Outboxed {
  readonly title: string;
}

export const outboxed = { indexes: [outboxIndex] } as const;

/** An event that says `data`. */
export const changed = (data: string): Envelope => newEnvelope({ source: 'test', type: 'video.changed', data });
