import type { Message, Options } from 'amqplib';
import type { Envelope } from './port.ts';

/** Where a message goes. */
export interface Route {
  readonly exchange: string;
  readonly key: string;
}

/** One message to be published. */
export interface Parcel extends Route {
  readonly content: Buffer;
  readonly properties: Options.Publish;
}

/** What travels beside the envelope. */
export interface Notes {
  /** Deliveries that have ended before; the broker counts those since this copy was published. */
  readonly attempts: number;
  /** Error of the last of them. */
  readonly error?: string | undefined;
  /** ISO 8601, of a dead letter. */
  readonly diedAt?: string | undefined;
  /** A copy that the process which has it under way keeps for itself. */
  readonly isHeld?: boolean;
}

/** Largest body that RabbitMQ 4 takes by default; a larger one would cost the whole channel. */
const bodyLimitBytes = 16 * 1024 * 1024;

/** The body of `envelope`. @throws {RangeError} when it is larger than brokers take. */
export function bodyOf(envelope: Envelope): Buffer {
  const body = Buffer.from(JSON.stringify(envelope));
  if (body.length > bodyLimitBytes) throw new RangeError(`${envelope.type} ${envelope.id} has ${body.length} bytes, more than 16 MiB`);
  return body;
}

/** Properties of an envelope: CloudEvents in structured mode, with what the management page shows. */
export function propertiesOf(envelope: Envelope): Options.Publish {
  return {
    contentType: 'application/cloudevents+json',
    messageId: envelope.id,
    type: envelope.type,
    appId: envelope.source,
    timestamp: Math.floor(Date.now() / 1_000),
    persistent: true,
  };
}

const keptProperties: ReadonlySet<string> = new Set(['contentType', 'messageId', 'type', 'appId', 'timestamp']);

/** A copy of `message` for another queue, or for its own; what brokers have written on it stays behind. */
export function copyOf({ content, properties }: Message, route: Route, { attempts, error, diedAt, isHeld }: Notes): Parcel {
  const headers = {
    'kinora-attempts': attempts,
    ...(error === undefined ? {} : { 'kinora-error': error }),
    ...(diedAt === undefined ? {} : { 'kinora-died-at': diedAt }),
    ...(isHeld ? { 'kinora-held': true } : {}),
  };
  const kept = Object.entries(properties).filter(([name, value]) => keptProperties.has(name) && value !== undefined);
  return { ...route, content, properties: { ...Object.fromEntries(kept), persistent: true, mandatory: true, headers } };
}

/** What travels beside the envelope of `message`, and which delivery this is, from 1. */
export function notesOf({ properties: { headers = {} } }: Message): Notes & { readonly attempt: number } {
  const attempts = wholeNumber(headers['kinora-attempts']);
  return {
    attempts,
    // Up to RabbitMQ 4.2 every return counts, from 4.3 only one by a consumer that went away; this adapter returns in no other way.
    attempt: attempts + wholeNumber(headers['x-delivery-count']) + 1,
    error: text(headers['kinora-error']),
    diedAt: text(headers['kinora-died-at']),
    isHeld: headers['kinora-held'] === true,
  };
}

/** The envelope in `message`. @throws when it holds none. */
export function envelopeOf({ content }: Message): Envelope {
  const value: unknown = JSON.parse(content.toString());
  const { id, type } = (typeof value === 'object' && value !== null ? value : {}) as Partial<Envelope>;
  if (typeof id !== 'string' || typeof type !== 'string') throw new TypeError('not an envelope');
  return value as Envelope;
}

const wholeNumber = (value: unknown): number => (typeof value === 'number' && Number.isSafeInteger(value) && value > 0 ? value : 0);
const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
