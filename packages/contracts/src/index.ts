export * from './accounts.ts';
export * from './assets.ts';
export * from './events.ts';
export * from './ids.ts';
export * from './problems.ts';
export * from './routes.ts';
export * from './stream.ts';
export * from './videos.ts';
