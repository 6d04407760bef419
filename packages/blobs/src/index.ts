export * from './port.ts';
export { openBlobs } from './open.ts';
