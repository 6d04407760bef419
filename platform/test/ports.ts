/** Where an installation made for a test keeps what it keeps: in its own folder, or in a corner of its own on real servers. */
import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { makeVhost, removeVhost } from '@kinora/messaging/testing';

/** Settings of the three ports. `AZURE…` and `AWS…` credentials come from the environment of the test. */
export interface PortUrls {
  readonly DOCUMENTS_URL: string;
  readonly BUS_URL: string;
  readonly BLOBS_URL: string;
}

export interface TestPorts {
  readonly urls: PortUrls;
  /** Removes what the installation left on the servers, where a server has a call for that. */
  dispose(): Promise<void>;
}

/** Files below `dataDir`, as `npm start` has them. */
export const embeddedPorts = (dataDir: string): TestPorts => ({
  urls: {
    DOCUMENTS_URL: `sqlite:${path.join(dataDir, 'documents')}`,
    BUS_URL: `sqlite:${path.join(dataDir, 'bus.sqlite')}`,
    BLOBS_URL: `file:${path.join(dataDir, 'blobs')}`,
  },
  dispose: () => Promise.resolve(),
});

function address(name: string): string {
  const value = process.env[name];
  if (!value) throw new Error(`${name} is not set: real servers are named by the environment`);
  return value;
}

/** A vhost, a family of databases and a prefix in the bucket, none of which was there before. @throws when a server is not named or does not answer */
export async function serverPorts(): Promise<TestPorts> {
  const name = `test-${randomBytes(6).toString('hex')}`;
  const amqpUrl = new URL(address('AMQP_URL'));
  amqpUrl.pathname = `/${name}`;
  await makeVhost(amqpUrl.href);
  const mongodbUrl = new URL(address('MONGODB_URL'));
  mongodbUrl.pathname = `/${name}`;
  return {
    urls: {
      DOCUMENTS_URL: mongodbUrl.href,
      BUS_URL: amqpUrl.href,
      BLOBS_URL: `s3://${address('S3_BUCKET')}/${name}?endpoint=${encodeURIComponent(address('S3_ENDPOINT'))}`,
    },
    dispose: () => removeVhost(amqpUrl.href),
  };
}
