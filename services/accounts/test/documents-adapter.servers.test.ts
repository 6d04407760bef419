import { MongoClient } from 'mongodb';
import { documentsAdapterSuite } from './documents-adapter.ts';

documentsAdapterSuite('mongodb:', async () => {
  const server = process.env['MONGODB_URL'] ?? '';
  const installation = `adapter-${process.pid}`;
  return {
    url: `${server}/${installation}`,
    async cleanUp() {
      const client = new MongoClient(server);
      await client.db(`${installation}-accounts`).dropDatabase();
      await client.close();
    },
  };
});
