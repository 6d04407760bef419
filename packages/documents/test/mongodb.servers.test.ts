import { MongoClient } from 'mongodb';
import { openDocuments } from '../src/index.ts';
import { documentsConformance } from './conformance.ts';
import { nx27017 } from './nx-27017.ts';
import { serverStatus } from './own-server.ts';
import { secantusDb } from './secantusdb.ts';

const server = process.env['MONGODB_URL'] ?? '';
const installation = `conformance-${process.pid}`;
const { process: kind } = await serverStatus(server);
/** By the name that a stand-in gives of itself; MongoDB keeps every promise. */
const departures = new Map([
  ['nx_27017', nx27017],
  ['secantus', secantusDb],
]);

documentsConformance(
  'mongodb:',
  async () => {
    const url = `${server}/${installation}`;
    return {
      documents: openDocuments(url, 'test'),
      reopen: async () => openDocuments(url, 'test'),
      async cleanUp() {
        const client = new MongoClient(server);
        await client.db(`${installation}-test`).dropDatabase();
        await client.close();
      },
    };
  },
  departures.get(kind) ?? {},
);
