/** A stretch of network that may go silent or end every connection. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

export interface FreezingProxy {
  readonly port: number;
  /** Lets nothing through any more, and says nothing of it, until `thaw`. */
  freeze(): void;
  thaw(): void;
  /** Ends every connection at once, in good order; new ones are taken. */
  endAll(): void;
  close(): Promise<void>;
}

/** A proxy before `target`, a port of this machine. */
export async function openFreezingProxy(target: number): Promise<FreezingProxy> {
  const sockets = new Set<Socket>();
  let isFrozen = false;
  const forward = (from: Socket, to: Socket): void => {
    sockets.add(from);
    from.on('data', (bytes) => to.write(bytes));
    from.on('error', () => undefined);
    from.on('close', () => {
      sockets.delete(from);
      to.destroySoon();
    });
    if (isFrozen) from.pause();
  };
  const listener = createServer((client) => {
    const server = connect(target, '127.0.0.1');
    forward(client, server);
    forward(server, client);
  }).listen(0, '127.0.0.1');
  await once(listener, 'listening');
  return {
    port: (listener.address() as AddressInfo).port,
    freeze() {
      isFrozen = true;
      for (const socket of sockets) socket.pause();
    },
    thaw() {
      isFrozen = false;
      for (const socket of sockets) socket.resume();
    },
    endAll() {
      for (const socket of sockets) socket.end();
    },
    async close() {
      for (const socket of sockets) socket.destroy();
      listener.close();
      await once(listener, 'close');
    },
  };
}
