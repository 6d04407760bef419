/** An installation of Kinora for tests from outside: started as people start it, spoken to as clients speak to it. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { services } from '../src/services.ts';
import { embeddedPorts, serverPorts, type TestPorts } from './ports.ts';
import { freePort, root, ServiceProcess } from './service-process.ts';

export { eventually, freePort } from './service-process.ts';

export const admin = { email: 'admin@example.com', password: 'correct horse battery', name: 'Admin' };

/** `one`: all services in one process over embedded ports. `services`: a process for each service over real servers. */
export type Shape = 'one' | 'services';

/** What `KINORA_SHAPE` says, so that a suite runs in either shape unchanged. */
export function shapeOfTests(): Shape {
  const shape = process.env['KINORA_SHAPE'] ?? 'one';
  if (shape !== 'one' && shape !== 'services') throw new Error(`KINORA_SHAPE is one or services, not ${shape}`);
  return shape;
}

export type ServiceName = keyof typeof services;

export interface InstallationOptions {
  readonly shape?: Shape;
  /** Ports instead of those that the shape has by itself. */
  readonly ports?: TestPorts;
  /** How many processes a service has in the shape `services`; one where nothing is said. */
  readonly replicas?: Partial<Readonly<Record<ServiceName, number>>>;
  /** Script that a process runs instead of the service's own entry; gets the name of the service as its argument. */
  readonly entry?: string;
}

type Settings = Readonly<Record<string, string | undefined>>;

const addressOf = (name: ServiceName): string => `${name.toUpperCase()}_URL`;

/** A process for each service and replica. The others ask the first one of a service: load balancing is not what is tested here. */
async function serviceProcesses(
  env: Settings,
  gatewayPort: number,
  { replicas = {}, entry }: InstallationOptions,
): Promise<ServiceProcess[]> {
  const names = Object.keys(services) as ServiceName[];
  const places = await Promise.all(
    names.flatMap((service) =>
      Array.from({ length: replicas[service] ?? 1 }, async (_, index) => ({
        service,
        name: index === 0 ? service : `${service} ${index + 1}`,
        port: service === 'gateway' && index === 0 ? gatewayPort : await freePort(),
      })),
    ),
  );
  const urls = Object.fromEntries(
    names.map((service) => [addressOf(service), `http://localhost:${places.find((place) => place.service === service)?.port ?? 0}`]),
  );
  return places.map(
    ({ service, name, port }) =>
      new ServiceProcess({
        name,
        port,
        command: process.execPath,
        arguments: ['--disable-warning=ExperimentalWarning', ...(entry ? [entry, service] : [`services/${service}/src/main.ts`])],
        env: { ...onlyFor(service, env), ...urls },
      }),
  );
}

/** Settings of other services would be faults, as typing errors are. */
function onlyFor(service: ServiceName, env: Settings): Record<string, string | undefined> {
  const others = (Object.keys(services) as ServiceName[]).filter((name) => name !== service).map((name) => `${name.toUpperCase()}_`);
  return Object.fromEntries(Object.entries(env).filter(([name]) => !others.some((prefix) => name.startsWith(prefix))));
}

const toolSettings = (): Settings => ({
  TRANSCODING_FFMPEG_PATH: process.env['TRANSCODING_FFMPEG_PATH'],
  TRANSCODING_FFPROBE_PATH: process.env['TRANSCODING_FFPROBE_PATH'],
});

export class Installation {
  readonly dataDir: string;
  readonly port: number;
  readonly url: string;
  readonly shape: Shape;
  readonly ports: TestPorts;
  readonly #env: Settings;
  #processes: readonly ServiceProcess[];

  private constructor(
    place: Pick<Installation, 'dataDir' | 'port' | 'shape' | 'ports'>,
    env: Settings,
    processes: readonly ServiceProcess[],
  ) {
    this.dataDir = place.dataDir;
    this.port = place.port;
    this.url = `http://localhost:${place.port}`;
    this.shape = place.shape;
    this.ports = place.ports;
    this.#env = env;
    this.#processes = processes;
  }

  /** An empty data folder and free ports; nothing runs yet. Settings in `env` that are undefined are not set, such as those of the admin. */
  static async create(env: Settings = {}, options: InstallationOptions = {}): Promise<Installation> {
    const dataDir = await mkdtemp(path.join(os.tmpdir(), 'kinora-installation-'));
    const shape = options.shape ?? shapeOfTests();
    const ports = options.ports ?? (shape === 'one' ? embeddedPorts(dataDir) : await serverPorts());
    const port = await freePort();
    const shared: Settings = {
      ...process.env,
      ...toolSettings(),
      ACCOUNTS_ADMIN_EMAIL: admin.email,
      ACCOUNTS_ADMIN_PASSWORD: admin.password,
      ...env,
      DATA_DIR: dataDir,
      ...(shape === 'services' || options.ports ? ports.urls : {}),
      ...(shape === 'services' ? { PLAYBACK_SECRET: randomBytes(32).toString('hex') } : {}),
    };
    const processes = shape === 'services' ? await serviceProcesses(shared, port, options) : [];
    return new Installation({ dataDir, port, shape, ports }, shared, processes);
  }

  /** Starts every process and resolves when all are ready. The one process is `npm start` or, with `direct`, the script behind it. */
  async start({ direct = false, deadlineMs = 120_000 } = {}): Promise<void> {
    if (this.shape === 'one') {
      const [command, args] = direct ? [process.execPath, ['tools/start.js']] : ['npm', ['start', '--silent']];
      this.#processes = [new ServiceProcess({ name: 'Kinora', port: this.port, command, arguments: args, env: this.#env })];
    }
    for (const each of this.#processes) each.spawn();
    await this.ready(deadlineMs);
  }

  /** Resolves when every process that runs is ready. */
  async ready(deadlineMs = 120_000): Promise<void> {
    await Promise.all(this.#processes.map((each) => each.ready(deadlineMs)));
  }

  /** All processes, or those of `service`, first replica first. */
  processes(service?: ServiceName): readonly ServiceProcess[] {
    return service === undefined ? this.#processes : this.#processes.filter(({ name }) => name.split(' ')[0] === service);
  }

  /** What the running processes have printed. */
  get output(): string {
    const [only, ...more] = this.#processes;
    if (more.length === 0) return only?.output ?? '';
    return this.#processes.map(({ name, output }) => `--- ${name}\n${output}`).join('\n');
  }

  /** Of the one process that was started, at the root of all others. */
  get pid(): number {
    const [first] = this.#processes;
    if (!first) throw new Error('nothing has been started');
    return first.pid;
  }

  /** Sends a signal to everything that was started, and resolves when it is gone: with the first status that is not 0, if there is one. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<number | null> {
    const statuses = await Promise.all(this.#processes.map((each) => each.end(signal)));
    return statuses.find((status) => status !== 0) ?? statuses[0] ?? null;
  }

  async remove(): Promise<void> {
    await this.end('SIGKILL');
    await rm(this.dataDir, { recursive: true, force: true, maxRetries: 5 });
    await this.ports.dispose();
  }
}

/** The folder of the checkout. */
export { root };
