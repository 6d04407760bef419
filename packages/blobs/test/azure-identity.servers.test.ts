/** An Azure store without a key: the identity of a machine or pod opens it, and signs addresses with a key that it is lent. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openBlobs } from '../src/index.ts';
import { makeContainer } from '../src/testing.ts';
import { blobsConformance } from './conformance.ts';

/** An Azurite that takes tokens: `--oauth basic`, over TLS. */
const { AZURE_IDENTITY_ENDPOINT = '' } = process.env;
// It would come first.
delete process.env.AZURE_STORAGE_CONNECTION_STRING;
const urlOf = (): string => `azure://kinora-identity/adapter-${randomUUID()}?endpoint=${AZURE_IDENTITY_ENDPOINT}`;

const encoded = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');

/** A token of Entra ID for storage, as Azurite reads it: it looks at everything but the signature. */
function tokenFor(audience: string): string {
  const now = Math.floor(Date.now() / 1000);
  const [tid, oid] = [randomUUID(), randomUUID()];
  const claims = { aud: audience, iss: `https://sts.windows.net/${tid}/`, iat: now, nbf: now - 60, exp: now + 3_600, tid, oid, sub: oid };
  return `${encoded({ alg: 'RS256', typ: 'JWT' })}.${encoded(claims)}.${Buffer.from('unsigned').toString('base64url')}`;
}

/** What lends an identity to the programs of a machine (Azure App Service, "REST endpoint reference" of managed identities). */
const agent = createServer((request, response) => {
  const { searchParams } = new URL(request.url ?? '', 'http://localhost');
  const audience = searchParams.get('resource') ?? '';
  if (!isLending || request.headers['x-identity-header'] !== secret || audience !== 'https://storage.azure.com')
    return void response.writeHead(401).end('{}');
  response.writeHead(200, { 'content-type': 'application/json' });
  response.end(
    JSON.stringify({
      access_token: tokenFor(audience),
      expires_on: String(Math.floor(Date.now() / 1000) + 3_600),
      resource: audience,
      token_type: 'Bearer',
    }),
  );
});
const secret = randomUUID();
let isLending = false;
agent.listen(0, '127.0.0.1');
await once(agent, 'listening');

process.env.IDENTITY_ENDPOINT = `http://127.0.0.1:${(agent.address() as AddressInfo).port}/msi/token`;
process.env.IDENTITY_HEADER = secret;

// First, for the SDK keeps the token of an identity for the whole process.
describe('without an identity', () => {
  it('says so in a plain sentence without secrets', async () => {
    const blobs = openBlobs(urlOf());
    const error = await blobs.ready().catch((reason: unknown) => reason);
    expect(error).toMatchObject({
      name: 'BlobStoreError',
      message: expect.stringMatching(/^No credentials for the object store: set AZURE_STORAGE_CONNECTION_STRING/),
    });
    expect(JSON.stringify({ ...(error as Error) })).toBe('{"name":"BlobStoreError"}');
    await blobs.close();
  });
});

describe('with the identity of a machine', () => {
  beforeAll(async () => {
    isLending = true;
    await makeContainer(urlOf());
  });
  afterAll(() => void agent.close());

  blobsConformance('the Azure adapter', () => Promise.resolve(openBlobs(urlOf())));

  it('gives addresses that read any range of one blob and do nothing else, though nobody has the key of the account', async () => {
    const blobs = openBlobs(urlOf());
    await blobs.put('a/b.mp4', Buffer.from('0123456789'));
    const url = await blobs.locate('a/b.mp4');
    const answer = await fetch(url, { headers: { range: 'bytes=2-4' } });
    expect([answer.status, await answer.text(), answer.headers.get('content-type')]).toEqual([206, '234', 'video/mp4']);
    expect((await fetch(url, { method: 'PUT', body: 'x', headers: { 'x-ms-blob-type': 'BlockBlob' } })).status).toBe(403);
    expect((await fetch(url.replace('b.mp4', 'c.mp4'))).status).toBe(403);
    await blobs.delete('a/b.mp4');
    await blobs.close();
  });
});
