/**
 * Where a service can be killed: named steps at the borders of its ports, and which of them each service ever passes.
 * The crash test kills every service at each step that it passes, and fails when a step was missed or this table is wrong.
 */
import type { ServiceName } from '../installation.ts';

/** Step → what is true when it is passed. A port call has two: before anything is done, and done without its caller having heard. */
export const steps = {
  'documents.insert:before': 'a document is about to be inserted',
  'documents.insert:after': 'it is stored, and nobody has heard of it',
  'documents.update:before': 'a document is about to change, or an outbox to be cleared',
  'documents.update:after': 'it has changed, and nobody has heard of it',
  'documents.delete:before': 'a document is about to be deleted',
  'documents.delete:after': 'it is deleted, and nobody has heard of it',
  'bus.publish:before': 'events wait in an outbox, and the broker knows nothing of them',
  'bus.publish:after': 'the broker has confirmed them, and the outbox still holds them',
  'bus.listen:before': 'an event for live pages has come, and no page has it',
  'bus.listen:after': 'pages have been sent it',
  'handler:before': 'a delivery has come, and nothing is done',
  'handler:after': 'it is done, and not acknowledged',
  'handler:acknowledged': 'a moment later: about when the acknowledgement is on its way',
  'blobs.put:before': 'a blob is about to be stored',
  'blobs.put:after': 'it is stored, and nobody has heard of it',
  'blobs.delete:before': 'blobs are about to be deleted',
  'blobs.delete:after': 'they are deleted, and nobody has heard of it',
  'blobs.read:before': 'a blob is about to be read',
  'blobs.read:after': 'it is open, and nothing of it is sent',
  'growing.create:before': 'an upload is about to begin, in the blob store and then in the database',
  'growing.create:after': 'it has begun in the blob store, and no record knows it',
  'growing.keep:before': 'bytes have come, and do not count',
  'growing.keep:after': 'they count, and the client has not heard of it',
  'growing.finish:before': 'all bytes are there, and no blob is made of them',
  'growing.finish:after': 'the source is a blob, and its record is still open',
  'growing.remove:before': 'the record of an upload is gone, and its bytes are there',
  'growing.remove:after': 'they are gone too, and the event that said so is not acknowledged',
  anytime: 'anything, from the start on: killed from outside',
} as const;

export type Step = keyof typeof steps;

const noDocuments = 'it has no database';
const noEvents = 'it emits nothing';
const noSubscriptions = 'it takes no events';
const noListeners = 'it shows nothing live';
const noUploads = 'it takes no uploads';
const noBlobs = 'it has no blobs';

type Reasons = Partial<Readonly<Record<Step, string>>>;

const reasonFor = (reason: string, missing: readonly Step[]): Reasons => Object.fromEntries(missing.map((step) => [step, reason]));

const documentSteps = [
  'documents.insert:before',
  'documents.insert:after',
  'documents.update:before',
  'documents.update:after',
  'documents.delete:before',
  'documents.delete:after',
] as const;
const publishSteps = ['bus.publish:before', 'bus.publish:after'] as const;
const listenSteps = ['bus.listen:before', 'bus.listen:after'] as const;
const handlerSteps = ['handler:before', 'handler:after', 'handler:acknowledged'] as const;
const writingBlobs = ['blobs.put:before', 'blobs.put:after', 'blobs.delete:before', 'blobs.delete:after'] as const;
const growingSteps = [
  'growing.create:before',
  'growing.create:after',
  'growing.keep:before',
  'growing.keep:after',
  'growing.finish:before',
  'growing.finish:after',
  'growing.remove:before',
  'growing.remove:after',
] as const;
const readingBlobs = ['blobs.read:before', 'blobs.read:after'] as const;

/** Steps that a service never passes, each with its reason. */
export const unreachable: Readonly<Record<ServiceName, Reasons>> = {
  accounts: { ...reasonFor(noListeners, listenSteps), ...reasonFor(noBlobs, [...writingBlobs, ...readingBlobs, ...growingSteps]) },
  catalog: { ...reasonFor(noListeners, listenSteps), ...reasonFor(noBlobs, [...writingBlobs, ...readingBlobs, ...growingSteps]) },
  uploads: {
    ...reasonFor(noListeners, listenSteps),
    ...reasonFor('its blobs grow, and others read them', [...writingBlobs, ...readingBlobs]),
  },
  transcoding: { ...reasonFor(noListeners, listenSteps), ...reasonFor(noUploads, growingSteps) },
  streaming: {
    ...reasonFor(noDocuments, documentSteps),
    ...reasonFor(noEvents, publishSteps),
    ...reasonFor(noListeners, listenSteps),
    ...reasonFor(noSubscriptions, handlerSteps),
    ...reasonFor('it only reads', [...writingBlobs, ...growingSteps]),
  },
  gateway: {
    ...reasonFor(noDocuments, documentSteps),
    ...reasonFor(noEvents, publishSteps),
    ...reasonFor(noSubscriptions, handlerSteps),
    ...reasonFor(noBlobs, [...writingBlobs, ...readingBlobs, ...growingSteps]),
  },
};

/** A service and the step that it dies at. */
export interface Death {
  readonly service: ServiceName;
  readonly step: Step;
}

/** Every combination that has to be hit. */
export const deaths: readonly Death[] = (Object.keys(unreachable) as ServiceName[]).flatMap((service) =>
  (Object.keys(steps) as Step[]).filter((step) => !(step in unreachable[service])).map((step) => ({ service, step })),
);

export const nameOf = ({ service, step }: Death): string => `${service} at ${step}`;
