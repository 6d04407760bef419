/** What every adapter of the documents port promises. Uses nothing that a MongoDB-compatible server lacks. */
import { afterAll, beforeAll, describe } from '@jest/globals';
import type { Documents } from '../src/index.ts';
import { arrayPromises } from './conformance/arrays.ts';
import { filterPromises } from './conformance/filters.ts';
import { hostilePromises } from './conformance/hostile.ts';
import { indexPromises } from './conformance/indexes.ts';
import { excusing, type Departures } from './conformance/promises.ts';
import { propertyPromises } from './conformance/properties.ts';
import { readingPromises } from './conformance/reading.ts';
import { updatePromises } from './conformance/updates.ts';
import { writingPromises } from './conformance/writing.ts';

/** A database made for the suite; `reopen` opens it a second time, as another process would. */
export interface Opened {
  readonly documents: Documents;
  reopen(): Promise<Documents>;
  cleanUp(): Promise<void>;
}

/** Where a group of promises finds the database; call it inside tests and hooks only. */
export type Database = () => Opened;

/** Runs the suite against one adapter; `open` gives an empty database. `departures` are promises that its server cannot keep, with the reasons. */
export function documentsConformance(name: string, open: () => Promise<Opened>, departures: Departures = {}): void {
  describe(`documents in ${name}`, () => {
    let opened: Opened | undefined;
    beforeAll(async () => {
      opened = await open();
    });
    afterAll(async () => {
      await opened?.documents.close();
      await opened?.cleanUp();
    });
    const database: Database = () => {
      if (!opened) throw new Error('the database is not open yet');
      return opened;
    };
    excusing(departures, () => {
      writingPromises(database);
      readingPromises(database);
      filterPromises(database);
      arrayPromises(database);
      updatePromises(database);
      indexPromises(database);
      hostilePromises(database);
      propertyPromises(database);
    });
  });
}
