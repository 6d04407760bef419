import { MongoClient } from 'mongodb';
import { openDocuments } from '../src/index.ts';
import { documentsConformance } from './conformance.ts';

const server = process.env['MONGODB_URL'] ?? '';

documentsConformance('mongodb:', async () => {
  const url = `${server}/conformance-${process.pid}`;
  return {
    documents: openDocuments(url, 'test'),
    reopen: async () => openDocuments(url, 'test'),
    async cleanUp() {
      const client = new MongoClient(server);
      await client.db(`conformance-${process.pid}-test`).dropDatabase();
      await client.close();
    },
  };
});
