import { Type } from 'typebox';
import { isId, Problem } from '@kinora/contracts';
import { signedIn, type App, type FastifyReply, type FastifyRequest } from '@kinora/service';
import type { Store } from './store.ts';
import type { Tus, TusRequest } from './tus.ts';

export interface RoutesOptions {
  readonly tus: Tus;
  readonly store: Store;
}

/** How long the rest of a refused body may go on arriving before the connection is cut. */
const lingerMs = 10_000;

const tags = ['uploads'];
const UploadParams = Type.Object({ uploadId: Type.String({ description: 'Id of the upload' }) });
const collection = '/api/uploads';
const resource = '/api/uploads/:uploadId';

/** Some networks let only GET and POST through (tus 1.0.0, X-HTTP-Method-Override). */
function overriddenMethod(request: FastifyRequest): TusRequest['method'] {
  const method = request.headers['x-http-method-override']?.toString().toUpperCase();
  if (method !== 'PATCH' && method !== 'DELETE' && method !== 'HEAD')
    throw new Problem('invalid-request', { detail: 'POST needs X-HTTP-Method-Override: PATCH, HEAD or DELETE here.' });
  return method;
}

/** A body that nobody reads would keep its connection busy; a client gets a while to see the answer, then it is cut. */
function discardBody({ raw }: FastifyRequest): void {
  if (raw.complete) return;
  raw.resume();
  const cut = setTimeout(() => raw.complete || raw.socket.destroy(), lingerMs).unref();
  raw.once('close', () => clearTimeout(cut));
}

/** Sends what the tus server answers; `check` refuses foreign uploads first. */
function answering({ tus }: RoutesOptions, check: (request: FastifyRequest) => Promise<void>) {
  return async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    reply.header('tus-resumable', '1.0.0').header('tus-version', '1.0.0');
    try {
      const identity = signedIn(request);
      await check(request);
      const method =
        request.method === 'POST' && request.url !== collection ? overriddenMethod(request) : (request.method as TusRequest['method']);
      const path = request.url.split('?')[0] ?? collection;
      const { status, headers } = await tus({ method, path, incoming: request.raw, identity, requestId: request.id });
      return await reply.code(status).headers(headers).send();
    } finally {
      discardBody(request);
    }
  };
}

/** Registers tus 1.0.0 at /api/uploads. Bodies are not parsed: they go from the request to the file. */
export function routes(app: App, options: RoutesOptions): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', (_request, _payload, done) => done(null));
  const checkOwner = async (request: FastifyRequest): Promise<void> => {
    const { uploadId } = request.params as { uploadId: string };
    const upload = isId(uploadId) ? await options.store.find(uploadId) : undefined;
    if (!upload || upload.ownerId !== request.identity?.accountId) throw new Problem('not-found', { detail: 'There is no such upload.' });
  };
  const anyone = { accountId: '', role: 'viewer', name: '' } as const;
  const describe = async (request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> => {
    const { status, headers } = await options.tus({
      method: 'OPTIONS',
      path: collection,
      incoming: request.raw,
      identity: anyone,
      requestId: request.id,
    });
    return reply.code(status).headers(headers).send();
  };
  const hidden = { schema: { hide: true } };
  app.options(collection, hidden, describe);
  app.options(resource, hidden, describe);
  const create = answering(options, () => Promise.resolve());
  const change = answering(options, checkOwner);
  const params = UploadParams;
  app.post(collection, { schema: { tags, summary: 'Start an upload (tus creation, creation-with-upload)' } }, create);
  app.head(resource, { schema: { tags, summary: 'Ask how many bytes are stored (tus)', params } }, change);
  app.patch(resource, { schema: { tags, summary: 'Send bytes (tus)', params } }, change);
  app.delete(resource, { schema: { tags, summary: 'Give an unfinished upload up (tus termination)', params } }, change);
  app.post(resource, hidden, change);
}
