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

/** Opens a proxy on loopback to `target`, `host:port`. */
export async function openFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const pairs = new Set<Pair>();
  let armed: Fault | undefined;
  let state: FaultyProxy['state'] = 'up';

  const taker = (direction: Fault['direction']): ((bytes: number) => Fault | undefined) => {
    let since: Fault | undefined;
    let carried = 0;
    return (bytes) => {
      if (since !== armed) [since, carried] = [armed, 0];
      carried += bytes;
      if (armed?.direction !== direction || carried <= armed.afterBytes) return undefined;
      const fault = armed;
      armed = undefined;
      return fault;
    };
  };
  const server = createServer((client) => {
    if (state === 'down') return void client.destroy();
    const pair: Pair = [client, connect(Number(port), hostname)];
    pairs.add(pair);
    const cut = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    carry(client, pair[1], taker('up'), cut);
    carry(pair[1], client, taker('down'), cut);
    for (const socket of pair) socket.on('error', cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return controls(server, pairs, {
    arm: (fault) => void (armed = fault),
    isArmed: () => armed !== undefined,
    state: (next = state) => (state = next),
  });
}

interface Levers {
  readonly arm: FaultyProxy['arm'];
  readonly isArmed: () => boolean;
  readonly state: (next?: FaultyProxy['state']) => FaultyProxy['state'];
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
    async close() {
      cutAll();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
