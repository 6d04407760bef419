import { randomUUID } from 'node:crypto';
import { openAzureClient } from '../src/azure-client.ts';
import { openBlobs } from '../src/index.ts';
import { blobsConformance } from './conformance.ts';

const { AZURE_CONTAINER = '' } = process.env;
const url = `azure://${AZURE_CONTAINER}/adapter-${randomUUID()}`;

blobsConformance('the Azure adapter', async () => {
  const store = await openAzureClient(url);
  await store.container.createIfNotExists();
  store.close();
  return openBlobs(url);
});
