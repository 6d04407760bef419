import path from 'node:path';
import { fileURLToPath } from 'node:url';

/** A path in this package. */
export const folder = (...parts) => path.join(path.dirname(fileURLToPath(import.meta.url)), ...parts);
