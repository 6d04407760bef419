export * from './port.ts';
export { openDocuments } from './open.ts';
