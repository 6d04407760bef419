import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

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

/** Opens a proxy on loopback to `target`, `host:port`. */
export async function openFaultyProxy(target: string): Promise<FaultyProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  const pairs = new Set<readonly [Socket, Socket]>();
  let armed: Fault | undefined;
  let state: FaultyProxy['state'] = 'up';

  const carry = (direction: Fault['direction'], from: Socket, to: Socket, cut: () => void): void => {
    let since: Fault | undefined;
    let carried = 0;
    let isSilent = false;
    from.on('close', () => isSilent || cut());
    from.on('data', (bytes) => {
      if (since !== armed) [since, carried] = [armed, 0];
      carried += bytes.length;
      if (armed?.direction === direction && carried > armed.afterBytes) {
        const { kind } = armed;
        armed = undefined;
        if (kind === 'cut') return cut();
        isSilent = true;
      }
      if (!isSilent && !to.write(bytes)) {
        from.pause();
        to.once('drain', () => from.resume());
      }
    });
  };
  const server = createServer((client) => {
    if (state === 'down') return void client.destroy();
    const upstream = connect(Number(port), hostname);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const cut = (): void => {
      pairs.delete(pair);
      for (const socket of pair) socket.destroy();
    };
    carry('up', client, upstream, cut);
    carry('down', upstream, client, cut);
    for (const socket of pair) socket.on('error', cut);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cutAll = (): void => {
    for (const pair of pairs) for (const socket of pair) socket.destroy();
  };
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    get connections() {
      return pairs.size;
    },
    arm: (fault) => void (armed = fault),
    get isArmed() {
      return armed !== undefined;
    },
    get state() {
      return state;
    },
    set state(next) {
      state = next;
      if (next === 'down') cutAll();
    },
    async close() {
      cutAll();
      await new Promise<unknown>((resolve) => server.close(resolve));
    },
  };
}
