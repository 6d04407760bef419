import { randomUUID } from 'node:crypto';
import { openAzureBlobs } from '../src/azure.ts';
import { openAzureClient } from '../src/azure-client.ts';
import { azurePartLimits } from '../src/azure-growing.ts';
import type { PartLimits } from '../src/growing-state.ts';
import { growingConformance } from './growing-conformance.ts';

const { AZURE_CONTAINER = '' } = process.env;

async function suite(name: string, limits: PartLimits): Promise<void> {
  const url = `azure://${AZURE_CONTAINER}/growing-${randomUUID()}`;
  const { container, prefix } = await openAzureClient(url, process.env);
  await container.createIfNotExists();
  growingConformance(name, {
    open: () => openAzureBlobs(url, process.env, limits),
    unitBytes: limits.minPartBytes,
    isSeenGrowing: false,
    async strays(key) {
      const names: string[] = [];
      for await (const { name } of container.listBlobsFlat({ prefix: `${prefix}.growing/${key}` })) names.push(name);
      // Blocks that no blob was made of have the key's name.
      for await (const { name } of container.listBlobsFlat({ prefix: prefix + key, includeUncommitedBlobs: true }))
        if (!(await container.getBlobClient(name).exists())) names.push(name);
      return names;
    },
  });
}

await suite('the Azure adapter', { ...azurePartLimits, minPartBytes: 2 * 1024 * 1024 });
// As it is for blobs of many hundreds of gigabytes, whose blocks do not fit in memory.
await suite('the Azure adapter with blocks made of pieces', { ...azurePartLimits, minPartBytes: 3 * 1024 * 1024, heldBytes: 1_300_000 });
