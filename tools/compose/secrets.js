// The secrets of an installation in containers: made once, kept in .env, which Compose reads by itself.
import { randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { root } from '../setup.js';

const names = ['PLAYBACK_SECRET', 'ACCOUNTS_SECRET', 'RABBITMQ_PASSWORD', 'MONGODB_PASSWORD', 'MONGODB_KEY', 'S3_SECRET_KEY'];

/** Where they are: `.env` of the checkout, or what KINORA_ENV_FILE names. */
export const secretsFile = () => path.resolve(root, process.env.KINORA_ENV_FILE || '.env');

const valuesIn = (text) => new Map([...text.matchAll(/^([A-Z][A-Z0-9_]*)=(.+)$/gm)].map(([, name, value]) => [name, value]));

/** Secrets that the file at `file` does not have yet. */
export function missingSecrets(file) {
  const known = existsSync(file) ? valuesIn(readFileSync(file, 'utf8')) : new Map();
  return names.filter((name) => !known.has(name));
}

/** Adds to `file` what is missing, readable for its owner alone; what is there stays. Hexadecimal, so that URLs take them as they are. */
export function ensureSecrets(file) {
  const missing = missingSecrets(file);
  if (missing.length === 0) return missing;
  const isNew = !existsSync(file);
  const lines = missing.map((name) => `${name}=${randomBytes(32).toString('hex')}\n`).join('');
  const heading =
    '# Secrets of this installation, made by `npm run up`. Without them its data cannot be read: keep them with its volumes.\n';
  appendFileSync(file, `${isNew ? heading : '\n'}${lines}`, { mode: 0o600 });
  chmodSync(file, 0o600);
  return missing;
}

/** Something for every secret, for commands that start nothing with them. */
export const placeholders = () => Object.fromEntries(names.map((name) => [name, 'none']));
