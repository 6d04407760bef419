import { createHash, randomBytes } from 'node:crypto';

/** A new API key: `kinora_` and 256 random bits. */
export const newApiKey = (): string => `kinora_${randomBytes(32).toString('base64url')}`;

/** True for anything `newApiKey` can return; no session token looks like it. */
export const isApiKey = (credential: string): boolean => /^kinora_[A-Za-z0-9_-]{43}$/.test(credential);

/** What is kept of a key. A plain hash is enough, because a key is as random as the hash is long. */
export const hashApiKey = (key: string): string => createHash('sha256').update(key).digest('hex');
