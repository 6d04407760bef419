/** For tests of what reads from a store behind a network. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What happens to the connection that is first to carry `afterBytes` from now on: it is cut, or goes silent. */
export interface Fault {
  /** `up`: to the store; `down`: from it. */
  readonly direction: 'up' | 'down';
  readonly afterBytes: number;
  readonly kind: 'cut' | 'silence';
  /** To so many connections, one after the other; to one when it is not said. */
  readonly times?: number;
}

/** A way to a server that fails as told. */
export interface FaultyProxy {
  /** `host:port` to connect to. */
  readonly host: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Lets a fault happen. */
  arm(fault: Fault): void;
  /** True when a fault was armed and has not happened. */
  readonly isArmed: boolean;
  /** `down`: nobody can connect, and all connections are cut. */
  state: 'up' | 'down';
  /** Connections that were refused so far. */
  readonly refused: number;
  /** Connections that were carried so far. */
  readonly accepted: number;
  close(): Promise<void>;
}

type Pair = readonly [client: Socket, upstream: Socket];

/** Carries what `from` sends to `to`; `take` gives the fault that happens now, if any. */
function carry(from: Socket, to: Socket, take: (bytes: number) => Fault | undefined, cut: () => void): void {
  let isSilent = false;
  // What is still on its way to the other end arrives before the end does.
  from.on('close', () => isSilent || to.destroySoon());
  from.on('data', (bytes) => {
    const fault = take(bytes.length);
    if (fault?.kind === 'cut') return cut();
    isSilent ||= fault !== undefined;
    if (isSilent || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
}

/** What the proxy is to do, and has done. */
interface Condition {
  armed: Fault | undefined;
  state: FaultyProxy['state'];
  refused: number;
  accepted: number;
}

/** Counts what goes in one direction of one connection since a fault was armed; gives the fault when it is due. */
function takeFaults(condition: Condition, direction: Fault['direction']): (bytes: number) => Fault | undefined {
  let since: Fault | undefined;
  let carried = 0;
  return (bytes) => {
    const { armed } = condition;
    if (since !== armed) [since, carried] = [armed, 0];
    carried += bytes;
    if (armed?.direction !== direction || carried <= armed.afterBytes) return undefined;
    const { times = 1 } = armed;
    condition.armed = times > 1 ? { ...armed, times: times - 1 } : undefined;
    return armed;
  };
}

/** Makes the container that an `azure:` URL names, where it is missing; its address. */
export async function makeContainer(url: string): Promise<URL> {
  const { openAzureClient } = await import('./azure-client.ts');
  const { container, close } = await openAzureClient(url);
  await container.createIfNotExists();
  close();
  return new URL(container.url);
}

/** Opens a proxy on loopback to `target`, `host:port`. */
export async function openFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const pairs = new Set<Pair>();
  const condition: Condition = { armed: undefined, state: 'up', refused: 0, accepted: 0 };
  const server = createServer((client) => {
    if (condition.state === 'down') {
      condition.refused++;
      return void client.destroy();
    }
    condition.accepted++;
    const pair: Pair = [client, connect(Number(port), hostname)];
    pairs.add(pair);
    const cut = (): void => pair.forEach((socket) => socket.destroy());
    for (const socket of pair) socket.on('error', cut).on('close', () => pair.every(({ destroyed }) => destroyed) && pairs.delete(pair));
    carry(client, pair[1], takeFaults(condition, 'up'), cut);
    carry(pair[1], client, takeFaults(condition, 'down'), cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return controls(server, pairs, condition);
}

function controls(server: Server, pairs: ReadonlySet<Pair>, condition: Condition): FaultyProxy {
  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return pairs.size;
    },
    arm: (fault) => void (condition.armed = fault),
    get isArmed() {
      return condition.armed !== undefined;
    },
    get state() {
      return condition.state;
    },
    set state(next) {
      condition.state = next;
      if (next === 'down') cutAll();
    },
    get refused() {
      return condition.refused;
    },
    get accepted() {
      return condition.accepted;
    },
    async close() {
      cutAll();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
