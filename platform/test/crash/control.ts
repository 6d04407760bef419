/** The line between the crash test and the services that it kills: orders one way, passed steps the other. */
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { createInterface } from 'node:readline';
import type { Step } from './steps.ts';

/** Precedes the step in the last line that a dying process prints. */
export const deathNotice = 'killed at ';

/** Die when one of `steps` is passed for the `nth` time from now on; without steps, live. */
export interface Order {
  readonly steps: readonly Step[];
  readonly nth: number;
}

export const live: Order = { steps: [], nth: 1 };

/** A process tells which service it is, then each step that it passes for the first time. */
export type Report = { readonly service: string } | { readonly passed: Step };

export interface Control {
  /** Goes into the environment of services as `CRASH_CONTROL`. */
  readonly port: number;
  /** Service → steps that any process of it has ever passed. */
  readonly passed: ReadonlyMap<string, ReadonlySet<Step>>;
  /** Orders every process of `service`, those that start later too, until the next order. */
  order(service: string, order: Order): void;
  close(): Promise<void>;
}

const lineOf = (order: Order): string => `${JSON.stringify(order)}\n`;

/** Listens for services. */
export async function openControl(): Promise<Control> {
  const sockets = new Map<Socket, string>();
  const orders = new Map<string, Order>();
  const passed = new Map<string, Set<Step>>();
  const listen = (socket: Socket, report: Report): void => {
    if ('passed' in report) return void passed.get(sockets.get(socket) ?? '')?.add(report.passed);
    const { service } = report;
    sockets.set(socket, service);
    passed.set(service, passed.get(service) ?? new Set());
    socket.write(lineOf(orders.get(service) ?? live));
  };
  const server = createServer((socket) => {
    // Whoever dies resets the line; the interface passes that on.
    createInterface({ input: socket })
      .on('line', (line) => listen(socket, JSON.parse(line) as Report))
      .on('error', () => undefined);
    socket.on('error', () => undefined).on('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    port: (server.address() as AddressInfo).port,
    passed,
    order(service, order) {
      orders.set(service, order);
      for (const [socket, name] of sockets) if (name === service) socket.write(lineOf(order));
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets.keys()) socket.destroy();
      await closed;
    },
  };
}
