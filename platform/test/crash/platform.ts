/** A whole installation with replicas of every service, each process kept alive and under orders, each connection under a proxy. */
import path from 'node:path';
import { eventually, Installation, root, type ServiceName } from '../installation.ts';
import type { TestPorts } from '../ports.ts';
import type { ServiceProcess } from '../service-process.ts';
import { openControl, type Control } from './control.ts';
import { openLinks, type Links } from './links.ts';
import type { Random } from './random.ts';
import { Replica, type Ending } from './replica.ts';
import { deaths } from './steps.ts';

export interface PlatformOptions {
  readonly ports: TestPorts;
  readonly replicas: number;
  readonly random: Random;
  readonly onEnd: (ending: Ending) => void;
}

export interface Platform {
  readonly kinora: Installation;
  /** Where clients go: any gateway. */
  readonly url: string;
  readonly control: Control;
  readonly links: Links;
  readonly replicas: readonly Replica[];
  of(service: ServiceName): readonly Replica[];
  /** Starts what does not run; does not wait. */
  start(): void;
  /** Resolves when every process is ready. */
  ready(deadlineMs: number): Promise<void>;
  /** Stops every process in order; statuses that are not 0, by name. */
  stop(): Promise<readonly string[]>;
  /** Kills what runs, and removes all that was made. */
  remove(): Promise<void>;
}

/**
 * Lost commands are not looked for while the test runs: a bus that loses one is found out by a video that is never ready.
 * Limits on clients are off, for they all come from one address.
 */
const settings = {
  LOG_LEVEL: 'info',
  ACCOUNTS_ATTEMPTS_PER_ADDRESS: '0',
  ACCOUNTS_ATTEMPTS_PER_EMAIL: '0',
  GATEWAY_REQUESTS_PER_MINUTE: '0',
  GATEWAY_IDENTITY_REFRESH_SECONDS: '1',
  TRANSCODING_CONCURRENCY: '1',
  TRANSCODING_PRESET: 'ultrafast',
  TRANSCODING_RECONCILE_SECONDS: '3600',
};

const serviceNames = [...new Set(deaths.map(({ service }) => service))];

/** Resolves when the process is ready, however often it has to be started until then. */
const isReady = ({ name, url }: ServiceProcess, deadlineMs: number): Promise<true> =>
  eventually(`${name} to be ready`, deadlineMs, async () => {
    const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(5_000) });
    return answer.ok ? true : undefined;
  });

/** An installation over `ports`; nothing runs yet. */
export async function createPlatform({ ports, replicas: count, random, onEnd }: PlatformOptions): Promise<Platform> {
  const kinora = await Installation.create(settings, {
    shape: 'services',
    ports,
    entry: path.join(root, 'platform', 'test', 'crash', 'faulty-service.ts'),
    replicas: Object.fromEntries(serviceNames.map((service) => [service, count])),
  });
  const control = await openControl();
  const links = await openLinks(ports.urls, (service) => kinora.processes(service).map(({ port }) => port));
  const replicas = serviceNames.flatMap((service) =>
    kinora.processes(service).map((process) => {
      const env = { ...links.envOf(service), CRASH_CONTROL: String(control.port), CRASH_SEED: String(Math.floor(random() * 2 ** 31)) };
      return new Replica(service, process, env, onEnd);
    }),
  );
  return {
    kinora,
    url: links.url,
    control,
    links,
    replicas,
    of: (service) => replicas.filter((replica) => replica.service === service),
    start: () => replicas.forEach((replica) => replica.start()),
    ready: async (deadlineMs) => void (await Promise.all(replicas.map(({ process }) => isReady(process, deadlineMs)))),
    async stop() {
      const statuses = await Promise.all(replicas.map(async (replica) => [replica.process.name, await replica.stop('SIGTERM')] as const));
      return statuses.filter(([, status]) => status !== 0).map(([name, status]) => `${name} ended with ${status ?? 'a signal'}`);
    },
    async remove() {
      await Promise.all(replicas.map((replica) => replica.stop('SIGKILL')));
      await control.close();
      await links.close();
      await kinora.remove();
    },
  };
}
