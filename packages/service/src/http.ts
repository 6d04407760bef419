/** The HTTP edge: one Fastify instance per service, problem+json for every error, request ids, identity, one log line and one measurement per request. */
import { STATUS_CODES, type IncomingHttpHeaders } from 'node:http';
import fastifySwagger from '@fastify/swagger';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, {
  type FastifyBaseLogger,
  type FastifyError,
  type FastifyInstance,
  type FastifyReply,
  type RawReplyDefaultExpression,
  type RawRequestDefaultExpression,
  type RawServerDefault,
} from 'fastify';
import { Compile } from 'typebox/compile';
import { Value } from 'typebox/value';
import { newId, Problem, type Identity, type ProblemSlug } from '@kinora/contracts';
import { openAccessLog } from './access-log.ts';
import type { VerifyIdentity } from './identity.ts';
import type { Log } from './log.ts';
import type { Metrics } from './metrics.ts';

/** A service's Fastify instance; schemas are TypeBox. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

declare module 'fastify' {
  interface FastifyRequest {
    /** Who is asking; undefined when nobody is signed in. */
    identity: Identity | undefined;
  }
}

export interface AppOptions {
  readonly service: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly trustProxy: boolean;
  /** Absent where credentials are not tokens yet: the gateway. */
  readonly verifyIdentity: VerifyIdentity | undefined;
  /** Adds `/openapi.json` with the routes of this instance; false where the service has its own. */
  readonly describe: boolean;
}

const requestIdPattern = /^[A-Za-z0-9._-]{1,64}$/;

/** The id that came with a request where it can be one, else a new one. */
export function requestIdOf({ 'x-request-id': given }: IncomingHttpHeaders): string {
  return typeof given === 'string' && requestIdPattern.test(given) ? given : newId();
}

/** The identity of a request, for routes that need one. @throws {Problem} not-signed-in */
export function signedIn(request: { readonly identity: Identity | undefined }): Identity {
  if (!request.identity) throw new Problem('not-signed-in');
  return request.identity;
}

const bySlug: Readonly<Record<string, ProblemSlug>> = {
  FST_ERR_CTP_INVALID_JSON_BODY: 'invalid-json',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'invalid-json',
  FST_ERR_CTP_BODY_TOO_LARGE: 'payload-too-large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported-media-type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid-request',
  FST_ERR_BAD_URL: 'invalid-request',
  FST_ERR_MAX_PARAM_LENGTH: 'not-found',
  FST_ERR_ASYNC_CONSTRAINT: 'invalid-request',
  FST_ERR_HANDLER_TIMEOUT: 'deadline-exceeded',
};

/** The problem a client is told about for anything thrown; undefined when it is our fault and its text stays inside. */
function problemFor(error: FastifyError): Problem | undefined {
  if (error instanceof Problem) return error;
  if (error.validation) {
    const errors = error.validation.slice(0, 10).map(({ instancePath, message }) => ({ path: instancePath, message }));
    return new Problem('invalid-request', {
      detail: `${error.validationContext ?? 'request'}${errors[0]?.path ?? ''} ${errors[0]?.message ?? ''}`.trim(),
      errors,
    });
  }
  if (error.name === 'StorageFullError') return new Problem('storage-full', { cause: error });
  if (error.name === 'DocumentStoreError')
    return new Problem('service-unavailable', { detail: 'The database does not answer.', retryAfterSeconds: 2, cause: error });
  if (error.statusCode === 429) return new Problem('too-many-requests', { detail: error.message });
  const slug = bySlug[error.code] ?? (error.statusCode === 400 ? 'invalid-request' : undefined);
  return slug && new Problem(slug, { detail: error.message, cause: error });
}

/** Writes `problem` as application/problem+json; its `retryAfterSeconds` becomes a Retry-After header. */
export function sendProblem(reply: FastifyReply, problem: Problem): FastifyReply {
  const { retryAfterSeconds } = problem.extensions;
  if (typeof retryAfterSeconds === 'number') reply.header('retry-after', retryAfterSeconds);
  return reply
    .code(problem.status)
    .header('cache-control', 'no-store')
    .type('application/problem+json; charset=utf-8')
    .serializer(JSON.stringify)
    .send(problem.toBody(reply.request.id));
}

function handleErrors(app: App, { log, metrics, service }: AppOptions): void {
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    const problem = problemFor(error);
    if (!problem) {
      metrics.logged.inc({ service });
      log.error({ requestId: request.id, err: error }, 'request failed');
    } else if (problem.cause === error && problem.status >= 500) log.warn({ requestId: request.id, err: error }, 'request not answered');
    return sendProblem(reply, problem ?? new Problem('internal-error'));
  });
  app.setNotFoundHandler((request, reply) => {
    const problem = new Problem('route-not-found', { detail: `There is no ${request.method} ${request.url.split('?')[0] ?? ''}.` });
    return sendProblem(reply, problem);
  });
}

function observe(app: App, options: AppOptions): void {
  const accessLog = openAccessLog(options);
  app.addHook('onResponse', (request, reply, done) => {
    accessLog(request.id, request.method, request.routeOptions.url ?? 'none', reply.raw.statusCode, reply.elapsedTime);
    done();
  });
}

function identify(app: App, verifyIdentity: VerifyIdentity | undefined): void {
  app.decorateRequest('identity', undefined);
  app.addHook('onRequest', (request, reply, done) => {
    reply.header('x-request-id', request.id);
    const header = request.headers.authorization;
    if (header === undefined || !verifyIdentity) return done();
    const token = /^Bearer ([\w.~+/-]+=*)$/i.exec(header)?.[1];
    if (token === undefined) return done(new Problem('invalid-token', { detail: 'Authorization has to be a bearer token.' }));
    verifyIdentity(token).then((identity) => {
      request.identity = identity;
      done();
    }, done);
  });
}

/** A Fastify instance with Kinora's edge and no routes of its own but, unless told otherwise, `/openapi.json`. */
export async function createApp(options: AppOptions): Promise<App> {
  const app = Fastify({
    logger: false,
    trustProxy: options.trustProxy,
    bodyLimit: 1_048_576,
    requestTimeout: 0,
    keepAliveTimeout: 65_000,
    routerOptions: { maxParamLength: 300 },
    return503OnClosing: true,
    frameworkErrors: (error, _request, reply) =>
      void sendProblem(reply as FastifyReply, problemFor(error) ?? new Problem('invalid-request')),
    genReqId: ({ headers }) => requestIdOf(headers),
    clientErrorHandler(error, socket) {
      if (!socket.writable) return;
      const slug: ProblemSlug =
        error.code === 'HPE_HEADER_OVERFLOW'
          ? 'headers-too-large'
          : error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
            ? 'request-timeout'
            : 'invalid-request';
      const problem = new Problem(slug);
      const body = JSON.stringify(problem.toBody());
      const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}\r\ncontent-type: application/problem+json; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n`;
      socket.end(head + body);
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
  app.setValidatorCompiler<Parameters<typeof Compile>[0]>(({ schema, httpPart }) => {
    const compiled = Compile(schema);
    return (value: unknown) => {
      const converted: unknown = httpPart === 'body' ? value : Value.Convert(schema, value);
      return compiled.Check(converted) ? { value: converted } : { error: compiled.Errors(converted) as never };
    };
  });
  handleErrors(app, options);
  observe(app, options);
  identify(app, options.verifyIdentity);
  await app.register(fastifySwagger, {
    openapi: { openapi: '3.1.0', info: { title: `Kinora ${options.service}`, version: '1' } },
    hideUntagged: false,
  });
  if (options.describe) app.get('/openapi.json', { schema: { hide: true } }, () => app.swagger());
  return app;
}
