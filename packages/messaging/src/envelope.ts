import { type EventData, type EventType, type events, newId } from '@kinora/contracts';
import type { Envelope } from './port.ts';

/** What an envelope may say besides its data. */
export interface EnvelopeFields {
  /** Id of what it is about, e.g. a video id. */
  readonly subject?: string | undefined;
  /** Request that caused it. */
  readonly requestid?: string | undefined;
  /** Instant of the fact; the present one by default. */
  readonly now?: Date | undefined;
}

/** An envelope with a new id; of any type, so prefer `event`. */
export function newEnvelope<T>(
  content: EnvelopeFields & { readonly source: string; readonly type: string; readonly data: T },
): Envelope<T> {
  const { source, type, data, subject, requestid, now = new Date() } = content;
  return {
    specversion: '1.0',
    id: newId(),
    source,
    type,
    ...(subject === undefined ? {} : { subject }),
    time: now.toISOString(),
    ...(requestid === undefined ? {} : { requestid }),
    data,
  };
}

/** A new event or command of the contracts, its data and emitter checked by type: `event('video.published', 'catalog', { revision, video })`. */
export function event<T extends EventType>(
  type: T,
  source: (typeof events)[T]['emitter'],
  data: EventData<T>,
  fields: EnvelopeFields = {},
): Envelope<EventData<T>> {
  return newEnvelope({ ...fields, source, type, data });
}
