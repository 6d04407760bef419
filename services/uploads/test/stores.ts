/** Where a test keeps documents, messages and blobs: in its own folder, or in a corner of its own on real servers, which the environment names. */
import path from 'node:path';
import { openBlobs } from '@kinora/blobs';
import { makeContainer } from '@kinora/blobs/testing';
import { makeVhost, removeVhost } from '@kinora/messaging/testing';

export interface Stores {
  readonly name: string;
  /** Settings of an installation whose folder is `dataDir`; the same for the same folder. */
  readonly env: (dataDir: string) => Record<string, string>;
  /** Makes what a server wants made, again without an effect. */
  readonly make: (env: Record<string, string>) => Promise<void>;
  /** Removes what is left on servers. */
  readonly dispose: (env: Record<string, string>) => Promise<void>;
}

const { AMQP_URL = '', MONGODB_URL = '', S3_BUCKET = '', S3_ENDPOINT = '', AZURE_CONTAINER = '' } = process.env;

/** What clients of servers read from the environment themselves. */
const credentials = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => name.startsWith('AWS_') || name.startsWith('AZURE_STORAGE_')),
) as Record<string, string>;

export const embedded: Stores = {
  name: 'files and SQLite',
  env: (dataDir) => ({
    DOCUMENTS_URL: `sqlite:${path.join(dataDir, 'documents')}`,
    BUS_URL: `sqlite:${path.join(dataDir, 'bus.sqlite')}`,
    BLOBS_URL: `file:${path.join(dataDir, 'blobs')}`,
  }),
  make: () => Promise.resolve(),
  dispose: () => Promise.resolve(),
};

const nameOf = (dataDir: string): string => path.basename(dataDir).toLowerCase();

async function removeBlobs({ BLOBS_URL = '' }: Record<string, string>): Promise<void> {
  const blobs = openBlobs(BLOBS_URL);
  for await (const { key } of blobs.growing.remains('uploads/', Date.now() + 86_400_000)) await blobs.growing.remove(key);
  await blobs.close();
}

const blobsAt = (name: string, url: (prefix: string) => string, make = embedded.make): Stores => ({
  name,
  env: (dataDir) => ({ ...embedded.env(dataDir), ...credentials, BLOBS_URL: url(nameOf(dataDir)) }),
  make,
  dispose: removeBlobs,
});

export const s3 = blobsAt('S3 and SQLite', (prefix) => `s3://${S3_BUCKET}/${prefix}?endpoint=${S3_ENDPOINT}`);
export const azure = blobsAt(
  'Azure and SQLite',
  (prefix) => `azure://${AZURE_CONTAINER}/${prefix}`,
  async ({ BLOBS_URL = '' }) => {
    await makeContainer(BLOBS_URL);
  },
);

const within = (url: string, name: string): string => Object.assign(new URL(url), { pathname: `/${name}` }).href;

export const servers: Stores = {
  name: 'S3, MongoDB and RabbitMQ',
  env: (dataDir) => ({
    ...s3.env(dataDir),
    DOCUMENTS_URL: within(MONGODB_URL, nameOf(dataDir)),
    BUS_URL: within(AMQP_URL, nameOf(dataDir)),
  }),
  make: ({ BUS_URL = '' }) => makeVhost(BUS_URL),
  async dispose(env) {
    await removeBlobs(env);
    await removeVhost(env['BUS_URL'] ?? '');
  },
};
