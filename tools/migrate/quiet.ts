/** Whether the services of an embedded installation run: each of them keeps its database open. */
import { statSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { pathOf } from './place.ts';

/** What the files of the databases look like while nobody has them open; equal when nobody has written in between. */
export type Stamp = string;

/**
 * Asks SQLite for each database alone, for an instant: it says no as long as any process has the file open, whether it writes or not.
 * Nothing of this process may have them open. Gateway and streaming have no database, so they may run.
 */
export function databasesInUse(
  documentsUrl: string,
  databases: readonly string[],
): { readonly inUse: readonly string[]; readonly stamp: Stamp } {
  const folder = pathOf(documentsUrl);
  if (folder === undefined) throw new Error('only files show who has them open');
  const files = databases.map((database) => ({ database, file: path.join(folder, `${database}.sqlite`) }));
  const inUse = files.filter(({ file }) => !isFree(file)).map(({ database }) => database);
  const stamp = files.map(({ database, file }) => {
    const { mtimeNs, size } = statSync(file, { bigint: true });
    return `${database} ${mtimeNs} ${size}`;
  });
  return { inUse, stamp: stamp.join('\n') };
}

function isFree(file: string): boolean {
  const database = new DatabaseSync(file, { timeout: 0 });
  try {
    database.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN IMMEDIATE; ROLLBACK');
    return true;
  } catch (error) {
    if (!/locked|busy/i.test(String(error))) throw error;
    return false;
  } finally {
    database.close();
  }
}
