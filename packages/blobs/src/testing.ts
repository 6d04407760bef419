/** For tests of what reads from a store behind a network. */
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** What happens to the connection that is first to carry `afterBytes` from now on: it is cut, or goes silent. */
export interface Fault {
  /** `up`: to the store; `down`: from it. */
  readonly direction: 'up' | 'down';
  readonly afterBytes: number;
  readonly kind: 'cut' | 'silence';
}

/** A way to a server that fails as told. */
export interface FaultyProxy {
  /** `host:port` to connect to. */
  readonly host: string;
  /** Connections that are open now. */
  readonly connections: number;
  /** Lets one fault happen. */
  arm(fault: Fault): void;
  /** True when a fault was armed and has not happened. */
  readonly isArmed: boolean;
  /** `down`: nobody can connect, and all connections are cut. */
  state: 'up' | 'down';
  /** Connections that were refused so far. */
  readonly refused: number;
  close(): Promise<void>;
}

type Pair = readonly [client: Socket, upstream: Socket];

/** Carries what `from` sends to `to`; `take` gives the fault that happens now, if any. */
function carry(from: Socket, to: Socket, take: (bytes: number) => Fault | undefined, cut: () => void): void {
  let isSilent = false;
  from.on('close', () => isSilent || cut());
  from.on('data', (bytes) => {
    const fault = take(bytes.length);
    if (fault?.kind === 'cut') return cut();
    isSilent ||= fault !== undefined;
    if (isSilent || to.write(bytes)) return;
    from.pause();
    to.once('drain', () => from.resume());
  });
}

/** Counts what goes in one direction of one connection, since `armed` gave another fault; gives the fault when it is due. */
function takeFaults(
  direction: Fault['direction'],
  armed: () => Fault | undefined,
  disarm: () => void,
): (bytes: number) => Fault | undefined {
  let since: Fault | undefined;
  let carried = 0;
  return (bytes) => {
    const fault = armed();
    if (since !== fault) [since, carried] = [fault, 0];
    carried += bytes;
    if (fault?.direction !== direction || carried <= fault.afterBytes) return undefined;
    disarm();
    return fault;
  };
}

/** Makes the container that an `azure:` URL names, where it is missing. */
export async function makeContainer(url: string): Promise<void> {
  const { openAzureClient } = await import('./azure-client.ts');
  const { container, close } = await openAzureClient(url);
  await container.createIfNotExists();
  close();
}

/** Opens a proxy on loopback to `target`, `host:port`. */
export async function openFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const pairs = new Set<Pair>();
  let armed: Fault | undefined;
  let state: FaultyProxy['state'] = 'up';
  let refused = 0;
  const disarm = (): void => void (armed = undefined);

  const server = createServer((client) => {
    if (state === 'down') {
      refused++;
      return void client.destroy();
    }
    const pair: Pair = [client, connect(Number(port), hostname)];
    pairs.add(pair);
    const cut = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    carry(
      client,
      pair[1],
      takeFaults('up', () => armed, disarm),
      cut,
    );
    carry(
      pair[1],
      client,
      takeFaults('down', () => armed, disarm),
      cut,
    );
    for (const socket of pair) socket.on('error', cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return controls(server, pairs, {
    arm: (fault) => void (armed = fault),
    isArmed: () => armed !== undefined,
    state: (next = state) => (state = next),
    refused: () => refused,
  });
}

interface Levers {
  readonly arm: FaultyProxy['arm'];
  readonly isArmed: () => boolean;
  readonly state: (next?: FaultyProxy['state']) => FaultyProxy['state'];
  readonly refused: () => number;
}

function controls(server: Server, pairs: ReadonlySet<Pair>, levers: Levers): FaultyProxy {
  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return pairs.size;
    },
    arm: levers.arm,
    get isArmed() {
      return levers.isArmed();
    },
    get state() {
      return levers.state();
    },
    set state(next) {
      if (levers.state(next) === 'down') cutAll();
    },
    get refused() {
      return levers.refused();
    },
    async close() {
      cutAll();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
