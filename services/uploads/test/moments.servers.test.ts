import { randomBytes } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { makeContainer } from '@kinora/blobs/testing';
import { openMomentProxy, type Moment, type MomentProxy } from './moment-proxy.ts';
import { openReplicas, type Replica, type Replicas } from './replicas.ts';
import { azure, s3, type Stores } from './stores.ts';
import { idOf, patchHeaders, sha256, tusHeaders, unending, until, type Person } from './uploads.ts';

// Processes are started and killed, and many megabytes go through servers that share a busy machine.
const { S3_ENDPOINT = '', AZURE_CONTAINER = '' } = process.env;
/** Azurite's, whose name and key everybody knows. */
const { host: azurite } = await makeContainer(`azure://${AZURE_CONTAINER}`);
const account = 'devstoreaccount1';
const accountKey = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

interface Way {
  readonly stores: Stores;
  readonly target: string;
  /** What leads a replica through a proxy. */
  readonly env: (proxy: string, env: Record<string, string>) => Record<string, string>;
  readonly moments: Readonly<Record<string, Moment>>;
}

const raise = (): never => {
  throw new Error('there is no such moment');
};

const isPiece = (address: string): boolean => address.includes('/.growing/');
const piecesOf = (): Readonly<Record<string, Moment>> => ({
  'a tail is to be stored': { at: 'asked', matches: (method, address) => method === 'PUT' && isPiece(address) },
  'a tail is stored and not recorded': { at: 'answered', matches: (method, address) => method === 'PUT' && isPiece(address) },
  'a new tail is recorded and the old one not removed': {
    at: 'asked',
    matches: (method, address) => method === 'DELETE' && isPiece(address),
  },
  'an old tail is removed': { at: 'answered', matches: (method, address) => method === 'DELETE' && isPiece(address) },
});

const ways: readonly Way[] = [
  {
    stores: s3,
    target: new URL(S3_ENDPOINT).host,
    env: (proxy, { BLOBS_URL = '' }) => ({ BLOBS_URL: BLOBS_URL.replace(S3_ENDPOINT, `http://${proxy}`) }),
    moments: {
      ...piecesOf(),
      'a part is to be stored': { at: 'asked', matches: (method, address) => method === 'PUT' && address.includes('partNumber=') },
      'a part is stored and not recorded': {
        at: 'answered',
        matches: (method, address) => method === 'PUT' && address.includes('partNumber='),
      },
      'the parts are to become a blob': { at: 'asked', matches: (method, address) => method === 'POST' && address.includes('uploadId=') },
      'the blob is made and not recorded': {
        at: 'answered',
        matches: (method, address) => method === 'POST' && address.includes('uploadId='),
      },
    },
  },
  {
    stores: azure,
    target: azurite,
    env: (proxy) => ({
      AZURE_STORAGE_CONNECTION_STRING: `DefaultEndpointsProtocol=http;AccountName=${account};AccountKey=${accountKey};BlobEndpoint=http://${proxy}/${account};`,
    }),
    moments: {
      ...piecesOf(),
      'a part is to be stored': { at: 'asked', matches: (method, address) => method === 'PUT' && /comp=block&/.test(address) },
      'a part is stored and not recorded': {
        at: 'answered',
        matches: (method, address) => method === 'PUT' && /comp=block&/.test(address),
      },
      'the parts are to become a blob': {
        at: 'asked',
        matches: (method, address) => method === 'PUT' && address.includes('comp=blocklist'),
      },
      'the blob is made and not recorded': {
        at: 'answered',
        matches: (method, address) => method === 'PUT' && address.includes('comp=blocklist'),
      },
    },
  },
];

describe.each(ways.map((way) => [way.stores.name, way] as const))('an upload to %s', (_name, way) => {
  let replicas: Replicas;
  let proxy: MomentProxy;
  let ann: Person;
  beforeEach(async () => {
    proxy = await openMomentProxy(way.target);
    replicas = await openReplicas(way.stores);
    ann = await replicas.identities.create();
  });
  afterEach(async () => {
    await replicas.close();
    await proxy.close();
  });

  const bytes = randomBytes(20_000_000);
  /** Where the bodies of the upload end: each of the first two leaves a tail. */
  const ends = [1_000_000, 3_000_000, bytes.length];

  /** Sends what is missing, body by body, as far as `replica` takes it. */
  async function send(replica: Replica, location: string): Promise<number> {
    let offset = await replica.offsetOf(location, ann);
    for (const end of ends) {
      if (end <= offset) continue;
      const answer = await replica.send('PATCH', location, ann, patchHeaders(offset), bytes.subarray(offset, end));
      expect(answer.status).toBe(204);
      offset = end;
    }
    return offset;
  }

  it.each(Object.entries(way.moments))('goes on at another replica when the first is killed while %s', async (_when, moment) => {
    const first = await replicas.start({ env: way.env(proxy.host, way.stores.env(replicas.dataDir)) });
    const location = await first.start(ann, bytes.length);
    let acknowledged = 0;
    const reached = proxy.reach(moment);
    const sending = (async () => {
      for (const end of ends) {
        const { status } = await first.send('PATCH', location, ann, patchHeaders(acknowledged), bytes.subarray(acknowledged, end));
        if (status === 204) acknowledged = end;
      }
    })().catch(() => undefined);
    await reached;
    await first.kill();
    await sending;
    expect(acknowledged).toBeLessThan(bytes.length);
    const second = await replicas.start();
    expect(await second.offsetOf(location, ann)).toBeGreaterThanOrEqual(acknowledged);
    expect(await send(second, location)).toBe(bytes.length);
    expect(sha256(await replicas.stored(location))).toBe(sha256(bytes));
    await until('upload.completed arrives', () => replicas.completed.length === 1);
    const left: string[] = [];
    for await (const { key, isBlob } of replicas.blobs.growing.remains('uploads/', Date.now() + 86_400_000)) if (!isBlob) left.push(key);
    expect(left).toEqual([]);
    expect(await replicas.keys()).toEqual([`uploads/${idOf(location)}`]);
  });

  it('is not harmed by a part that reaches the store long after another replica has taken over', async () => {
    const first = await replicas.start({ env: way.env(proxy.host, way.stores.env(replicas.dataDir)) });
    const second = await replicas.start();
    const location = await first.start(ann, bytes.length);
    const held = proxy.reach(way.moments['a part is to be stored'] ?? raise());
    // Other bytes than the file has, so that a single one of them would show.
    const late = first.send('PATCH', location, ann, patchHeaders(0), unending(randomBytes(10_000_000))).catch(() => undefined);
    const goOn = await held;
    const offset = await until('the other may go on', async () => {
      const { status, headers } = await second.send('HEAD', location, ann, tusHeaders);
      return status === 200 && headers.get('upload-offset');
    });
    expect(offset).toBe('0');
    expect((await second.send('PATCH', location, ann, patchHeaders(0), bytes.subarray(0, 12_000_000))).status).toBe(204);
    goOn();
    expect((await late)?.status ?? 423).toBe(423);
    expect(await send(second, location)).toBe(bytes.length);
    expect(sha256(await replicas.stored(location))).toBe(sha256(bytes));
    await until('upload.completed arrives', () => replicas.completed.length === 1);
  });
});
