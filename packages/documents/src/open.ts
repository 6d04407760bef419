/** Picks the adapter by the scheme of DOCUMENTS_URL. */
import { join } from 'node:path';
import type { Documents } from './port.ts';
import { openMongodb } from './mongodb.ts';
import { openSqlite } from './sqlite.ts';

const adapters: Readonly<Record<string, (url: string, database: string) => Documents>> = {
  'sqlite:': (url, database) => {
    const folder = url.slice('sqlite:'.length);
    if (folder === '') throw new TypeError('sqlite: takes a folder, as in sqlite:./data');
    return openSqlite(join(folder, `${database}.sqlite`));
  },
  'mongodb:': openMongodb,
  'mongodb+srv:': openMongodb,
};

/**
 * Opens the database of one service: `sqlite:<folder>` keeps it in `<folder>/<database>.sqlite`, `mongodb://<host>/<installation>` in `<installation>-<database>`.
 * @throws {TypeError} for an unknown scheme, naming those supported, and for an address that cannot be used
 */
export function openDocuments(url: string, database: string): Documents {
  if (!/^[A-Za-z][\w-]{0,62}$/.test(database)) throw new TypeError(`${JSON.stringify(database)} cannot name a database`);
  const scheme = /^[a-z][a-z0-9+.-]*:/.exec(url)?.[0] ?? '';
  const open = Object.hasOwn(adapters, scheme) ? adapters[scheme] : undefined;
  if (!open)
    throw new TypeError(
      `documents are kept in ${Object.keys(adapters).join(', ')}; ${scheme === '' ? 'the URL has no scheme' : `${scheme} is not supported`}`,
    );
  return open(url, database);
}
