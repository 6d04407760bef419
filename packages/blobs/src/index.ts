export * from './port.ts';
export * from './growing.ts';
export { openBlobs } from './open.ts';
