/**
 * Documents, messages and bytes per second of this process's own processor time, for the embedded adapters and for those of the servers that
 * the environment names. What a server takes is not in it: that is another machine's at scale.
 */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { openBlobs } from '@kinora/blobs';
import { newId, topology } from '@kinora/contracts';
import { openDocuments, type Identified } from '@kinora/documents';
import { event, openBus, type Bus } from '@kinora/messaging';
import { embeddedPorts, serverPorts, type PortUrls, type TestPorts } from '../platform/test/ports.ts';
import { row, type Row } from './row.ts';

const documentsCount = 10_000;
const messagesCount = 10_000;
const blobsCount = 40;
const blobBytes = 3_000_000;
/** Calls under way at once, as requests of several people are. */
const together = 16;

interface RecordDocument extends Identified {
  readonly ownerId: string;
  readonly createdAt: string;
  readonly title: string;
  readonly version: number;
}

/** Seconds of processor time that this process has taken so far, all its threads. */
function ownCpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Calls `work` for 0 … `count` − 1, `together` at once, and gives calls per second of this process's processor time. */
async function perCpuSecond(count: number, work: (index: number) => Promise<unknown>): Promise<number> {
  const before = ownCpuSeconds();
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: together }, worker));
  return count / (ownCpuSeconds() - before);
}

interface Measured {
  readonly what: string;
  readonly unit: string;
  readonly value: number;
}

async function measureDocuments(url: string): Promise<Measured[]> {
  const documents = openDocuments(url, 'bench');
  const records = documents.collection<RecordDocument>('records', { indexes: [{ keys: { ownerId: 1, createdAt: -1, _id: -1 } }] });
  await documents.ready();
  try {
    const ids = Array.from({ length: documentsCount }, () => newId());
    const idOf = (index: number): string => ids[index] ?? '';
    const createdAt = (index: number): string => new Date(1_700_000_000_000 + index * 1000).toISOString();
    const unit = 'documents per CPU-second';
    return [
      {
        what: 'inserted, one by one',
        unit,
        value: await perCpuSecond(documentsCount, (index) =>
          records.insertOne({
            _id: idOf(index),
            ownerId: `owner-${index % 50}`,
            createdAt: createdAt(index),
            title: 'A video',
            version: 0,
          }),
        ),
      },
      { what: 'found by id', unit, value: await perCpuSecond(documentsCount, (index) => records.findOne({ _id: idOf(index) })) },
      {
        what: 'updated where unchanged',
        unit,
        value: await perCpuSecond(documentsCount, (index) =>
          records.findOneAndUpdate({ _id: idOf(index), version: 0 }, { $set: { title: 'Another' }, $inc: { version: 1 } }),
        ),
      },
      {
        what: 'pages of 24 by an index',
        unit: 'pages per CPU-second',
        value: await perCpuSecond(2_000, (index) =>
          records.find({ ownerId: `owner-${index % 50}` }, { sort: { createdAt: -1, _id: -1 }, limit: 24 }),
        ),
      },
    ];
  } finally {
    await records.deleteMany({});
    await documents.close();
  }
}

const viewed = () => event('video.viewed', 'history', { videoId: newId(), playbackId: newId(), at: new Date().toISOString() });

/** Publishes and, with a consumer in the same process, handles: publisher, confirm, delivery and acknowledgement. */
async function measureMessages(url: string): Promise<Measured[]> {
  const bus: Bus = openBus(url, { topology });
  await bus.ready();
  try {
    const unit = 'messages per CPU-second';
    const published = await perCpuSecond(messagesCount, () => bus.publish(viewed()));
    const before = ownCpuSeconds();
    let handled = 0;
    await new Promise<void>((resolve) => {
      bus.subscribe({
        service: 'catalog',
        type: 'video.viewed',
        prefetch: 64,
        handler: async () => {
          handled += 1;
          if (handled === messagesCount) resolve();
        },
      });
    });
    const handledPerSecond = messagesCount / (ownCpuSeconds() - before);
    return [
      { what: 'published and confirmed, one by one', unit, value: published },
      { what: 'delivered and acknowledged', unit, value: handledPerSecond },
    ];
  } finally {
    await bus.close();
  }
}

async function measureBlobs(url: string): Promise<Measured[]> {
  const blobs = openBlobs(url);
  await blobs.ready();
  const bytes = randomBytes(blobBytes);
  const unit = 'MB per CPU-second';
  const megabytes = blobBytes / 1e6;
  try {
    const stored = await perCpuSecond(blobsCount, (index) => blobs.put(`bench/${index}.m4s`, bytes));
    const read = await perCpuSecond(blobsCount, async (index) => {
      for await (const _part of await blobs.stream(`bench/${index}.m4s`));
    });
    return [
      { what: 'segments of 3 MB stored', unit, value: stored * megabytes },
      { what: 'segments of 3 MB read', unit, value: read * megabytes },
    ];
  } finally {
    await blobs.deletePrefix('bench/');
    await blobs.close();
  }
}

const schemeOf = (url: string): string => `${url.split(':', 1)[0] ?? ''}:`;

async function measureAll(urls: PortUrls): Promise<readonly (Measured & { readonly scheme: string })[]> {
  const rows = async (url: string, measure: (url: string) => Promise<Measured[]>) =>
    (await measure(url)).map((measured) => ({ ...measured, scheme: schemeOf(url) }));
  return [
    ...(await rows(urls.DOCUMENTS_URL, measureDocuments)),
    ...(await rows(urls.BUS_URL, measureMessages)),
    ...(await rows(urls.BLOBS_URL, measureBlobs)),
  ];
}

const areServersNamed = (): boolean => ['AMQP_URL', 'MONGODB_URL', 'S3_ENDPOINT', 'S3_BUCKET'].every((name) => process.env[name]);

/** Each operation over the embedded adapters and, where the environment names servers, over theirs with the embedded ones as the reference. */
export async function measureAdapters(): Promise<readonly Row[]> {
  const folder = await mkdtemp(path.join(os.tmpdir(), 'kinora-bench-adapters-'));
  let servers: TestPorts | undefined;
  try {
    const embedded = await measureAll(embeddedPorts(folder).urls);
    const plain = embedded.map(({ what, unit, value, scheme }) => row({ what: `\`${scheme}\` ${what}`, unit, value }));
    if (!areServersNamed()) {
      process.stderr.write('adapters: no servers are named (AMQP_URL, MONGODB_URL, S3_ENDPOINT, S3_BUCKET); the embedded ones only\n');
      return plain;
    }
    servers = await serverPorts();
    const remote = await measureAll(servers.urls);
    return [
      ...plain,
      ...remote.map(({ what, unit, value, scheme }, index) => {
        const reference = embedded[index];
        return row({
          ...{ what: `\`${scheme}\` ${what}`, unit, value },
          ...(reference ? { reference: { what: `\`${reference.scheme}\``, value: reference.value } } : {}),
        });
      }),
    ];
  } finally {
    await servers?.dispose();
    await rm(folder, { recursive: true, force: true });
  }
}
