import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Blobs } from '@kinora/blobs';
import type { EventData, EventType } from '@kinora/contracts';
import type { Documents } from '@kinora/documents';
import type { Bus, Delivery, SubscribeOptions } from '@kinora/messaging';
import type { ConfigReader, Setting } from './config.ts';
import type { App } from './http.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';
import type { Peers } from './peers.ts';
import type { SharedConfig } from './shared-settings.ts';

/** What a service gets. A port is opened when it is first named, so a service that never names one does not depend on it. */
export interface Ports<C> {
  readonly config: C;
  readonly shared: SharedConfig;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly bus: Bus;
  /** The service's own database. */
  readonly documents: Documents;
  readonly blobs: Blobs;
  readonly peers: Peers;
  readonly now: () => Date;
}

export interface Subscribed {
  readonly type: EventType;
  readonly handler: (delivery: Delivery) => Promise<void>;
  readonly options: Omit<SubscribeOptions, 'service' | 'type' | 'handler'>;
}

/** One row of a service's subscription table: `data` has been checked against the event's schema. */
export function on<T extends EventType>(
  type: T,
  handler: (delivery: Delivery<EventData<T>>) => Promise<void>,
  options: Subscribed['options'] = {},
): Subscribed {
  return { type, handler: handler as Subscribed['handler'], options };
}

/** What a service is made of once it has its ports. */
export interface Composition {
  /** Registers the routes on the service's own Fastify instance. */
  readonly routes?: (app: App) => void | Promise<void>;
  /** Answers a request ahead of the routes and without their cost; true when it has taken it. */
  readonly handle?: (request: IncomingMessage, response: ServerResponse) => boolean;
  readonly subscriptions?: readonly Subscribed[];
  /** Runs when every port is ready and before requests come: key loading, first sweep. */
  readonly start?: () => Promise<void>;
  /** Runs first when stopping: ends connections that would stay open by themselves, such as event streams. */
  readonly drain?: () => void;
  /** Finishes what is under way and frees what the service itself opened. Ports are closed afterwards by whoever opened them. */
  readonly stop?: () => Promise<void> | void;
}

/** A service as the host sees it: configured first, composed when the ports are there. */
export interface ServiceDefinition {
  readonly name: string;
  readonly settings: readonly Setting<unknown>[];
  /** Reads the configuration and gives what makes the service of its ports. @throws {ConfigError} */
  readonly configure: (env: NodeJS.ProcessEnv) => (ports: Omit<Ports<unknown>, 'config'>) => Composition | Promise<Composition>;
}

/** A service: its name, its configuration, and what it makes of its ports. */
export function defineService<C>(
  name: string,
  readConfig: ConfigReader<C>,
  compose: (ports: Ports<C>) => Composition | Promise<Composition>,
): ServiceDefinition {
  return {
    name,
    settings: readConfig.settings,
    configure: (env) => {
      const config = readConfig(env);
      // The ports stay behind their getters: one that is never named is never opened.
      return (ports) => compose(Object.assign(Object.create(ports) as typeof ports, { config }));
    },
  };
}
