/** A TCP proxy that can treat its connections as a bad network does: cut, hold, slow down, let one overtake another; and that spreads them over several targets. */
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** Where connections go. */
export interface Target {
  readonly host: string;
  readonly port: number;
}

/**
 * `open`: bytes flow. `held`: connections stay and are accepted, and nothing comes through either way, not even their end.
 * `refused`: new connections are reset. Slow: each piece waits for as long as `latencyMs` gives for it, and comes at a limited pace; pieces of one
 * connection keep their order, as TCP has it, those of different ones do not.
 */
export type Weather = 'open' | 'held' | 'refused' | { readonly latencyMs: () => number; readonly bytesPerSecond: number };

export interface TcpProxy {
  readonly port: number;
  /** Takes effect for open connections too, but for `refused`, which keeps them. */
  setWeather(weather: Weather): void;
  /** Resets open connections for which `isChosen` gives true, all by default; returns how many. */
  cut(isChosen?: () => boolean): number;
  close(): Promise<void>;
}

const maxPieceBytes = 64 * 1024;

/** Both ends of a connection through the proxy. */
interface Link {
  readonly client: Socket;
  readonly server: Socket;
}

class Proxy implements TcpProxy {
  readonly #targets: readonly Target[];
  readonly #links = new Set<Link>();
  readonly #server = createServer({ highWaterMark: maxPieceBytes, noDelay: true }, (client) => this.#accept(client, 0));
  #weather: Weather = 'open';
  #next = 0;
  /** Pieces and connections that wait for better weather. */
  #held: (() => void)[] = [];

  constructor(targets: readonly Target[]) {
    this.#targets = targets;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  async listen(): Promise<this> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this;
  }

  setWeather(weather: Weather): void {
    this.#weather = weather;
    if (weather === 'held') return;
    for (const go of this.#held.splice(0)) go();
  }

  cut(isChosen: () => boolean = () => true): number {
    const chosen = [...this.#links].filter(isChosen);
    for (const link of chosen) this.#reset(link);
    return chosen.length;
  }

  async close(): Promise<void> {
    const closed = new Promise((resolve) => this.#server.close(resolve));
    this.cut();
    this.#held = [];
    await closed;
  }

  #reset(link: Link): void {
    this.#links.delete(link);
    for (const socket of [link.client, link.server]) if (!socket.destroyed) socket.resetAndDestroy();
  }

  #whenOpen(go: () => void): void {
    if (this.#weather === 'held') this.#held.push(go);
    else go();
  }

  /** Connects to the next target in turn, or to the one after it when that refuses. */
  #accept(client: Socket, refusals: number): void {
    client.on('error', () => undefined);
    const target = this.#targets[this.#next++ % this.#targets.length];
    if (this.#weather === 'refused' || !target || refusals === this.#targets.length) return void client.resetAndDestroy();
    const server = connect({ ...target, noDelay: true });
    const link = { client, server };
    this.#links.add(link);
    const refused = (): void => {
      this.#links.delete(link);
      this.#accept(client, refusals + 1);
    };
    server.once('error', refused);
    server.once('connect', () => {
      server.off('error', refused).on('error', () => this.#reset(link));
      client.on('error', () => this.#reset(link));
      this.#carry(client, server, link);
      this.#carry(server, client, link);
    });
  }

  #carry(from: Socket, to: Socket, link: Link): void {
    from.on('data', (piece: Buffer) => {
      from.pause();
      this.#whenOpen(() => this.#send(from, to, piece));
    });
    from.on('end', () => this.#whenOpen(() => to.end()));
    from.on('close', () =>
      this.#whenOpen(() => {
        this.#links.delete(link);
        if (!to.destroyed) to.destroySoon();
      }),
    );
  }

  #send(from: Socket, to: Socket, piece: Buffer): void {
    const write = (): void => {
      if (to.destroyed) return;
      if (to.write(piece)) from.resume();
      else to.once('drain', () => from.resume());
    };
    if (typeof this.#weather === 'string') return write();
    const { latencyMs, bytesPerSecond } = this.#weather;
    setTimeout(write, latencyMs() + (piece.length * 1000) / bytesPerSecond);
  }
}

/** Listens on a free port of the loopback interface; connections go to `targets` in turn, past those that refuse. */
export const openProxy = (targets: readonly Target[]): Promise<TcpProxy> => new Proxy(targets).listen();

/** The target that `url` names, its port given or the one of its scheme. */
export function targetOf(url: string): Target {
  const { hostname, port, protocol } = new URL(url);
  const usual: Readonly<Record<string, number>> = { 'http:': 80, 'https:': 443, 'amqp:': 5672, 'mongodb:': 27017 };
  return { host: hostname, port: port === '' ? (usual[protocol] ?? 0) : Number(port) };
}
