/** The ways into an S3 store beside a key and a path: a bucket in the host's name, and the role of a machine or pod. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import dns from 'node:dns';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { openBlobs } from '../src/index.ts';
import { blobsConformance } from './conformance.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '', AWS_ACCESS_KEY_ID = '', AWS_SECRET_ACCESS_KEY = '' } = process.env;
const urlOf = (options: string): string => `s3://${S3_BUCKET}/adapter-${randomUUID()}?${options}`;

/** Every name below `localhost` is this machine (RFC 6761, 6.3), which not every resolver knows. */
const lookup = dns.lookup as (...words: readonly unknown[]) => void;
const lookupLocally = (name: string, ...words: readonly unknown[]): void =>
  lookup(name.endsWith('.localhost') ? '127.0.0.1' : name, ...words);

describe('with the bucket in the name of the host', () => {
  beforeAll(() => void Object.assign(dns, { lookup: lookupLocally }));
  afterAll(() => void Object.assign(dns, { lookup }));

  const url = urlOf(`style=virtual&endpoint=${S3_ENDPOINT.replace('127.0.0.1', 'localhost')}`);
  blobsConformance('the S3 adapter', () => Promise.resolve(openBlobs(url)));

  it('gives addresses of that kind, too', async () => {
    const blobs = openBlobs(url);
    await blobs.put('a', Buffer.from('x'));
    const located = new URL(await blobs.locate('a'));
    expect(located.hostname).toBe(`${S3_BUCKET}.${new URL(url).searchParams.get('endpoint')?.replace(/^https?:\/\/|:\d+$/g, '')}`);
    await blobs.delete('a');
    await blobs.close();
  });
});

/** What gives a pod the credentials of its role (AWS, "Container credential provider"). */
async function startAgent(token: string, lifeMs: number): Promise<{ server: Server; url: string; asked: () => number }> {
  let asked = 0;
  const server = createServer((request, response) => {
    if (request.headers.authorization !== token) return void response.writeHead(403).end('{}');
    asked++;
    const Expiration = new Date(Date.now() + lifeMs).toISOString();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ AccessKeyId: AWS_ACCESS_KEY_ID, SecretAccessKey: AWS_SECRET_ACCESS_KEY, Token: '', Expiration }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/credentials`, asked: () => asked };
}

describe('with the role of a pod', () => {
  const key = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
  const role = ['AWS_CONTAINER_CREDENTIALS_FULL_URI', 'AWS_CONTAINER_AUTHORIZATION_TOKEN'];
  beforeEach(() => {
    for (const name of Object.keys(key)) delete process.env[name];
  });
  afterEach(() => {
    for (const name of role) delete process.env[name];
    Object.assign(process.env, key);
  });

  it.each([
    ['once while they last', 3_600_000, 1],
    ['again when they are about to end', 60_000, 3],
  ])('credentials are asked for %s', async (_what, lifeMs, times) => {
    const token = randomUUID();
    const agent = await startAgent(token, lifeMs);
    Object.assign(process.env, { AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url, AWS_CONTAINER_AUTHORIZATION_TOKEN: token });
    const blobs = openBlobs(urlOf(`endpoint=${S3_ENDPOINT}`));
    await blobs.put('a', Buffer.from('x'));
    expect(String(await blobs.read('a'))).toBe('x');
    expect(await (await fetch(await blobs.locate('a'))).text()).toBe('x');
    await blobs.delete('a');
    if (times === 1) expect(agent.asked()).toBe(1);
    else expect(agent.asked()).toBeGreaterThanOrEqual(times);
    await blobs.close();
    agent.server.close();
  });

  it('says in a plain sentence that there is none', async () => {
    const agent = await startAgent('another', 60_000);
    Object.assign(process.env, { AWS_CONTAINER_CREDENTIALS_FULL_URI: agent.url, AWS_CONTAINER_AUTHORIZATION_TOKEN: 'wrong' });
    const blobs = openBlobs(urlOf(`endpoint=${S3_ENDPOINT}`));
    await expect(blobs.ready()).rejects.toThrow(/^No credentials for the object store: set AWS_ACCESS_KEY_ID/);
    await blobs.close();
    agent.server.close();
  });
});
