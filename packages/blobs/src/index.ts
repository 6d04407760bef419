export * from './port.ts';
export type * from './growing.ts';
export { openBlobs } from './open.ts';
