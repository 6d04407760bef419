/** A way to a store of objects that stops at a named moment: what is asked or answered then gets no further. */
import { createServer, request as ask, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Moment {
  /** Recognises the request by its method and its address, path and query decoded. */
  readonly matches: (method: string, address: string) => boolean;
  /** `asked`: the store never hears of the request. `answered`: it has done what was asked, and nobody is told. */
  readonly at: 'asked' | 'answered';
}

export interface MomentProxy {
  /** `host:port` to connect to. */
  readonly host: string;
  /** Waits for `moment`, once; resolves when it has come. What is given lets the request or its answer go on after all. */
  reach(moment: Moment): Promise<() => void>;
  close(): Promise<void>;
}

/** Opens a proxy on loopback to `target`, `host:port`. */
export async function openMomentProxy(target: string): Promise<MomentProxy> {
  const { hostname, port } = new URL(`http://${target}`);
  let awaited: { readonly moment: Moment; readonly reached: (goOn: () => void) => void } | undefined;
  const passing = ({ method = '', url = '' }: IncomingMessage, at: Moment['at'], goOn: () => void): void => {
    if (awaited?.moment.at !== at || !awaited.moment.matches(method, decodeURIComponent(url))) return goOn();
    awaited.reached(goOn);
    awaited = undefined;
  };
  const forward = (request: IncomingMessage, response: ServerResponse): void => {
    const { method, url, headers } = request;
    const onward = ask({ hostname, port, method, path: url, headers }, (answer) => {
      passing(request, 'answered', () => {
        response.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
        answer.pipe(response);
      });
    });
    onward.on('error', () => response.destroy());
    request.pipe(onward);
  };
  const server = createServer((request, response) => passing(request, 'asked', () => forward(request, response)));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    reach: (moment) => {
      const { promise, resolve } = Promise.withResolvers<() => void>();
      awaited = { moment, reached: resolve };
      return promise;
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      server.closeAllConnections();
      await closed;
    },
  };
}
