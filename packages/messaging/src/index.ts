export * from './port.ts';
export { openBus, type BusOptions } from './open.ts';
export { newEnvelope, event, type EnvelopeFields } from './envelope.ts';
export type { Log } from './log.ts';
export * from './outbox.ts';
export { hasEnded, ownIdentity, type ProcessIdentity } from './process-identity.ts';
