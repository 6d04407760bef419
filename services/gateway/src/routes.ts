import { decodeJwt } from 'jose';
import { Problem } from '@kinora/contracts';
import type { App, Peers, SharedConfig } from '@kinora/service';
import { apiPage } from './api-page.ts';
import { credentialOf } from './credential.ts';
import type { Identities } from './identities.ts';
import { mergedOpenApi } from './openapi.ts';
import { pageHeaders } from './security-headers.ts';
import type { Stream } from './stream.ts';
import { webFiles } from './web-files.ts';

export interface RouteOptions {
  readonly shared: SharedConfig;
  readonly peers: Peers;
  readonly identities: Identities;
  readonly stream: Stream;
  readonly webDir: string;
}

/** What the gateway answers itself: live events, the API page, the web app. */
export const routes =
  ({ shared, peers, identities, stream, webDir }: RouteOptions) =>
  async (app: App): Promise<void> => {
    const headers = Object.fromEntries(pageHeaders(shared.publicUrl));
    app.addHook('onRequest', (_request, reply, done) => {
      reply.headers(headers);
      done();
    });
    app.get('/api/stream', { exposeHeadRoute: false, schema: { hide: true } }, async (request, reply) => {
      const credential = credentialOf(request.headers);
      if (!credential) throw new Problem('not-signed-in');
      const { token, setCookie } = await identities.find(credential);
      if (token === undefined) throw new Problem(credential.isCookie ? 'not-signed-in' : 'invalid-token');
      reply.hijack();
      for (const [name, value] of Object.entries(headers)) reply.raw.setHeader(name, value);
      if (setCookie) reply.raw.setHeader('set-cookie', setCookie);
      // accounts has just signed this token; nobody else could have handed it over.
      stream.add(decodeJwt(token).sub ?? '', reply.raw);
    });
    app.get('/openapi.json', { schema: { hide: true } }, () => mergedOpenApi(peers));
    await webFiles(app, webDir);
    apiPage(app);
  };
