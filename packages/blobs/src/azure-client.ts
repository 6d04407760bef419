import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { TokenCredential } from '@azure/identity';
import {
  type AnonymousCredential,
  BlobServiceClient,
  type ContainerClient,
  newPipeline,
  StorageSharedKeyCredential,
  type RequestPolicyFactory,
} from '@azure/storage-blob';
import { parseAzureUrl, type AzureEnvironment, type AzureLocation } from './azure-url.ts';
import { answerDeadlineMs, attempts, maxConnections } from './deadlines.ts';

/** A container, or a part of one, with clients that reach it. */
export interface AzureStore {
  readonly service: BlobServiceClient;
  readonly container: ContainerClient;
  /** What the store's names have before the blob's key: empty, or ending in `/`. */
  readonly prefix: string;
  /** How addresses for ffmpeg are signed: with the account's key, with a key asked for by our identity, or by the token already in the address. */
  readonly signing: 'account-key' | 'delegation' | 'given';
  /** Ends idle connections. */
  close(): void;
}

interface Opened {
  readonly url: string;
  readonly credential: StorageSharedKeyCredential | AnonymousCredential | TokenCredential;
  readonly signing: AzureStore['signing'];
}

function openConnectionString(connectionString: string, endpoint: string | undefined): Opened {
  let named: BlobServiceClient;
  try {
    named = BlobServiceClient.fromConnectionString(connectionString);
  } catch {
    // Not the cause: its text may repeat a part of the secret.
    throw new Error('BLOBS_URL cannot be opened: AZURE_STORAGE_CONNECTION_STRING is not a connection string');
  }
  if (endpoint !== undefined && new URL(named.url).host !== new URL(endpoint).host)
    throw new Error('BLOBS_URL names another account than AZURE_STORAGE_CONNECTION_STRING');
  const isKey = named.credential instanceof StorageSharedKeyCredential;
  return { url: named.url, credential: named.credential, signing: isKey ? 'account-key' : 'given' };
}

async function open({ access, endpoint = '' }: AzureLocation): Promise<Opened> {
  switch (access.kind) {
    case 'connection-string':
      return openConnectionString(access.connectionString, endpoint || undefined);
    case 'key':
      return { url: endpoint, credential: new StorageSharedKeyCredential(access.account, access.key), signing: 'account-key' };
    case 'identity': {
      // Large, and of no use to the others.
      const { DefaultAzureCredential } = await import('@azure/identity');
      return { url: endpoint, credential: new DefaultAzureCredential(), signing: 'delegation' };
    }
  }
}

const lengthOf = (body: unknown): number => (typeof body === 'string' || body instanceof Uint8Array ? body.length : 0);
/** Bounds connections, and the time to an answer: the SDK has a deadline for the server only. One that passed is tried again as the SDK does other faults. */
function boundedRequests(httpAgent: HttpAgent, httpsAgent: HttpsAgent): RequestPolicyFactory {
  return {
    create: (next) => ({
      async sendRequest(request) {
        request.agent = request.url.startsWith('https:') ? httpsAgent : httpAgent;
        const given = request.abortSignal as AbortSignal | undefined;
        for (let attempt = 1; ; attempt++) {
          // Not `request.timeout`: its timer lives on after a failure, and keeps the process.
          const deadline = new AbortController();
          const timer = setTimeout(() => deadline.abort(), answerDeadlineMs(lengthOf(request.body))).unref();
          request.abortSignal = given ? AbortSignal.any([given, deadline.signal]) : deadline.signal;
          try {
            return await next.sendRequest(request);
          } catch (error) {
            if (attempt === attempts || !deadline.signal.aborted || given?.aborted === true) throw error;
          } finally {
            clearTimeout(timer);
          }
        }
      },
    }),
  };
}

/**
 * Opens the store at an `azure:` BLOBS_URL, without a request yet. Credentials: AZURE_STORAGE_CONNECTION_STRING, else AZURE_STORAGE_KEY,
 * else the identity of this machine or pod.
 * @throws {Error} a sentence without secrets
 */
export async function openAzureClient(url: string, env: AzureEnvironment = process.env): Promise<AzureStore> {
  const location = parseAzureUrl(url, env);
  const opened = await open(location);
  const agent = { keepAlive: true, maxSockets: maxConnections, maxFreeSockets: 16 };
  const agents = [new HttpAgent(agent), new HttpsAgent(agent)] as const;
  const pipeline = newPipeline(opened.credential, {
    retryOptions: { maxTries: attempts, retryDelayInMs: 200, maxRetryDelayInMs: 2_000 },
  });
  pipeline.factories.push(boundedRequests(...agents));
  const service = new BlobServiceClient(opened.url, pipeline);
  return {
    service,
    container: service.getContainerClient(location.container),
    prefix: location.prefix,
    signing: opened.signing,
    close: () => agents.forEach((each) => each.destroy()),
  };
}
