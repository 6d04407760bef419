import { describe, expect, it } from '@jest/globals';
import { randomBytes, randomUUID } from 'node:crypto';
import { AccountSASPermissions } from '@azure/storage-blob';
import { openAzureClient } from '../src/azure-client.ts';
import { openBlobs, type Blobs } from '../src/index.ts';
import { makeContainer } from '../src/testing.ts';
import { blobsConformance } from './conformance.ts';
import { remoteFaults } from './remote-faults.ts';

const { AZURE_CONTAINER = '', AZURE_STORAGE_CONNECTION_STRING } = process.env;
const newPrefix = (): string => `adapter-${randomUUID()}`;
const urlOf = (prefix: string): string => `azure://${AZURE_CONTAINER}/${prefix}`;

/** Azurite's account, whose name and key everybody knows. */
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';
const connectionString = (host: string, key = accountKey): string =>
  `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${key};BlobEndpoint=http://${host}/${account};`;

const { host } = await makeContainer(urlOf('x'));

/** Opens `url` with these credentials; credentials are read when a store is opened. */
function openWith(url: string, credentials: { connectionString?: string; key?: string }): Blobs {
  delete process.env.AZURE_STORAGE_CONNECTION_STRING;
  if (credentials.connectionString !== undefined) process.env.AZURE_STORAGE_CONNECTION_STRING = credentials.connectionString;
  if (credentials.key !== undefined) process.env.AZURE_STORAGE_KEY = credentials.key;
  try {
    return openBlobs(url);
  } finally {
    process.env.AZURE_STORAGE_CONNECTION_STRING = AZURE_STORAGE_CONNECTION_STRING;
    delete process.env.AZURE_STORAGE_KEY;
  }
}

const suiteUrl = urlOf(newPrefix());
blobsConformance('the Azure adapter', () => Promise.resolve(openBlobs(suiteUrl)));

const faultyUrl = urlOf(newPrefix());
remoteFaults('the Azure adapter', {
  host,
  keepsConnections: true,
  open: (through) => openWith(faultyUrl, { connectionString: connectionString(through) }),
});

describe('an Azure store', () => {
  it('is opened with an account and its key, too', async () => {
    const blobs = openWith(`${urlOf(newPrefix())}?endpoint=http://${host}/${account}`, { key: accountKey });
    await blobs.ready();
    await blobs.put('a', Buffer.from('x'));
    expect(await (await fetch(await blobs.locate('a'))).text()).toBe('x');
    await blobs.close();
  });

  it('is opened with a connection string that holds a shared access signature', async () => {
    const url = urlOf(newPrefix());
    const { service, close } = await openAzureClient(url);
    const permissions = AccountSASPermissions.parse('rwdlac');
    const signature = new URL(service.generateAccountSasUrl(new Date(Date.now() + 3_600_000), permissions, 'sco')).search.slice(1);
    close();
    const blobs = openWith(url, { connectionString: `BlobEndpoint=http://${host}/${account};SharedAccessSignature=${signature}` });
    await blobs.ready();
    await blobs.put('a', Buffer.from('x'));
    expect(await (await fetch(await blobs.locate('a'))).text()).toBe('x');
    await blobs.close();
  });

  it('says in a plain sentence, without the secret, that the credentials are wrong', async () => {
    const wrong = randomBytes(64).toString('base64');
    const blobs = openWith(urlOf('x'), { connectionString: connectionString(host, wrong) });
    const error = await blobs.ready().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'BlobStoreError',
      message: expect.stringMatching(/^The object store refuses access to the container kinora \(403 \w+\)$/),
    });
    expect(JSON.stringify({ ...(error as Error) })).toBe('{"name":"BlobStoreError"}');
    await expect(blobs.put('a', Buffer.from('x'))).rejects.toThrow(/refuses access/);
    await expect(blobs.read('a')).rejects.toThrow(/refuses access/);
    await blobs.close();
  });

  it('says that the container does not exist', async () => {
    const blobs = openBlobs('azure://kinora-nowhere');
    const requests = [() => blobs.ready(), () => blobs.ping(), () => blobs.put('a', Buffer.from('x')), () => blobs.read('a')];
    for (const request of requests)
      await expect(request()).rejects.toThrow('BLOBS_URL names the container kinora-nowhere, which does not exist');
    await blobs.close();
  });

  it('says that nobody answers', async () => {
    const blobs = openWith('azure://kinora', { connectionString: connectionString('127.0.0.1:1') });
    await expect(blobs.ping()).rejects.toThrow(/^The object store does not answer \(\w+\)$/);
    await blobs.close();
  });

  it('says that a connection string is none, without repeating it', async () => {
    const blobs = openWith('azure://kinora', { connectionString: 'AccountKey=secret' });
    await expect(blobs.ready()).rejects.toThrow(/^BLOBS_URL cannot be opened: AZURE_STORAGE_CONNECTION_STRING is not a connection string$/);
  });
});
