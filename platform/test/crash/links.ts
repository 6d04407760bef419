/** Everything that talks to something, through a proxy of its own, so that one connection of the platform can fail and no other. */
import type { ServiceName } from '../installation.ts';
import type { PortUrls } from '../ports.ts';
import { openProxy, targetOf, type TcpProxy } from './proxy.ts';

export type Server = 'mongodb' | 'rabbitmq' | 's3';

/** Which servers each service talks to. */
const talksTo: Readonly<Record<ServiceName, readonly Server[]>> = {
  accounts: ['mongodb', 'rabbitmq'],
  catalog: ['mongodb', 'rabbitmq'],
  uploads: ['mongodb', 'rabbitmq', 's3'],
  transcoding: ['mongodb', 'rabbitmq', 's3'],
  streaming: ['s3'],
  gateway: ['rabbitmq'],
};
const serviceNames = Object.keys(talksTo) as ServiceName[];

export interface Links {
  /** E.g. `catalog to mongodb`, and `requests to catalog` for what others ask of it. */
  readonly proxies: ReadonlyMap<string, TcpProxy>;
  /** Where clients find the gateway. */
  readonly url: string;
  /** Settings that lead a process of `service` through the proxies. */
  envOf(service: ServiceName): Readonly<Record<string, string>>;
  close(): Promise<void>;
}

const through = (address: string, { port }: TcpProxy): URL => {
  const url = new URL(address);
  url.hostname = '127.0.0.1';
  url.port = String(port);
  return url;
};

/** The setting that names a server, led through `proxy`. */
function settingOf(server: Server, urls: PortUrls, proxy: TcpProxy): Readonly<Record<string, string>> {
  if (server === 'rabbitmq') return { BUS_URL: through(urls.BUS_URL, proxy).href };
  if (server === 'mongodb') {
    const url = through(urls.DOCUMENTS_URL, proxy);
    // A replica set would name its members, and the driver go to them past the proxy.
    url.searchParams.set('directConnection', 'true');
    return { DOCUMENTS_URL: url.href };
  }
  const url = new URL(urls.BLOBS_URL);
  url.searchParams.set('endpoint', through(url.searchParams.get('endpoint') ?? '', proxy).href.replace(/\/$/, ''));
  return { BLOBS_URL: url.href };
}

const addressOf = (server: Server, urls: PortUrls): string =>
  ({ mongodb: urls.DOCUMENTS_URL, rabbitmq: urls.BUS_URL, s3: new URL(urls.BLOBS_URL).searchParams.get('endpoint') ?? '' })[server];

/** Proxies to the servers that `urls` name, unless those are files, and to the replicas of each service at `portsOf`. */
export async function openLinks(urls: PortUrls, portsOf: (service: ServiceName) => readonly number[]): Promise<Links> {
  const proxies = new Map<string, TcpProxy>();
  const settings = new Map<ServiceName, Record<string, string>>();
  const peers: Record<string, string> = {};
  const hasServers = urls.BUS_URL.startsWith('amqp');
  for (const service of serviceNames) {
    const requests = await openProxy(portsOf(service).map((port) => ({ host: '127.0.0.1', port })));
    proxies.set(`requests to ${service}`, requests);
    peers[`${service.toUpperCase()}_URL`] = `http://127.0.0.1:${requests.port}`;
    const own: Record<string, string> = {};
    settings.set(service, own);
    for (const server of hasServers ? talksTo[service] : []) {
      const proxy = await openProxy([targetOf(addressOf(server, urls))]);
      proxies.set(`${service} to ${server}`, proxy);
      Object.assign(own, settingOf(server, urls, proxy));
    }
  }
  return {
    proxies,
    url: peers['GATEWAY_URL'] ?? '',
    envOf: (service) => ({ ...peers, ...settings.get(service) }),
    close: async () => void (await Promise.all([...proxies.values()].map((proxy) => proxy.close()))),
  };
}
