import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A stretch of network between a client and a server of this machine. */
export interface TcpProxy {
  readonly port: number;
  /** Connections that have been made through it so far. */
  readonly connections: number;
  /** Ends every connection without a farewell. */
  cut(): void;
  /** Ends every connection when bytes pass for the next time that `isMoment` says so, before they get through. */
  cutWhen(isMoment: (bytes: Buffer, direction: 'up' | 'down') => boolean): void;
  /** Lets nothing through any more, and says nothing of it, until `mend`. */
  freeze(): void;
  /** Ends every connection, and each new one at once, until `mend`. */
  refuse(): void;
  mend(): void;
  close(): Promise<void>;
}

interface Pair {
  readonly client: Socket;
  readonly server: Socket;
}

/** A proxy before `target`, a port of this machine. */
export async function openTcpProxy(target: number): Promise<TcpProxy> {
  const pairs = new Set<Pair>();
  let state: 'open' | 'frozen' | 'refusing' = 'open';
  let connections = 0;
  let isMoment: ((bytes: Buffer, direction: 'up' | 'down') => boolean) | undefined;
  const cut = (): void => {
    for (const { client, server } of pairs) {
      client.resetAndDestroy();
      server.resetAndDestroy();
    }
  };
  const forward = (from: Socket, to: Socket, direction: 'up' | 'down'): void => {
    from.on('data', (bytes: Buffer) => {
      if (isMoment?.(bytes, direction)) {
        isMoment = undefined;
        cut();
      } else if (!to.destroyed) {
        to.write(bytes);
      }
    });
    from.on('error', () => undefined);
    from.on('close', () => to.destroySoon());
    if (state === 'frozen') from.pause();
  };
  const listener = createServer((client) => {
    if (state === 'refusing') return void client.resetAndDestroy();
    connections += 1;
    const server = connect({ port: target, host: '127.0.0.1', noDelay: true });
    client.setNoDelay(true);
    const pair = { client, server };
    pairs.add(pair);
    forward(client, server, 'up');
    forward(server, client, 'down');
    client.on('close', () => pairs.delete(pair));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const each = (act: (socket: Socket) => void): void => [...pairs].flatMap(({ client, server }) => [client, server]).forEach(act);
  return {
    port: (listener.address() as AddressInfo).port,
    get connections() {
      return connections;
    },
    cut,
    cutWhen: (moment) => void (isMoment = moment),
    freeze() {
      state = 'frozen';
      each((socket) => socket.pause());
    },
    refuse() {
      state = 'refusing';
      cut();
    },
    mend() {
      state = 'open';
      each((socket) => socket.resume());
    },
    async close() {
      cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}
