import { routes, serviceFor, type ServiceName } from '@kinora/contracts';
import type { Peers } from '@kinora/service';

interface OpenApi {
  readonly paths?: Readonly<Record<string, object>>;
  readonly components?: { readonly schemas?: Readonly<Record<string, object>> };
}

const stream = {
  get: {
    tags: ['gateway'],
    summary: 'Progress of my uploads and assets, and published videos, as server-sent events',
    responses: {
      200: { description: 'Events `asset`, `video` and `removed`', content: { 'text/event-stream': { schema: { type: 'string' } } } },
    },
  },
};

const deadlineMs = 3_000;

/** One OpenAPI 3.1 document of everything the gateway leads to; a service that does not answer is left out. */
export async function mergedOpenApi(peers: Peers): Promise<object> {
  const services = [...new Set<ServiceName>(Object.values(routes))];
  const read = async (service: ServiceName): Promise<OpenApi> => {
    const { status, text } = await peers(service).call({ method: 'GET', path: '/openapi.json', deadlineMs });
    return status === 200 ? (JSON.parse(text) as OpenApi) : {};
  };
  const documents = await Promise.all(services.map((service) => read(service).catch((): OpenApi => ({}))));
  const paths = documents.flatMap((document) => Object.entries(document.paths ?? {})).filter(([path]) => serviceFor(path) !== undefined);
  const schemas = Object.assign({}, ...documents.map((document) => document.components?.schemas ?? {})) as object;
  return {
    openapi: '3.1.0',
    info: { title: 'Kinora', version: '1', description: 'Errors are application/problem+json (RFC 9457).' },
    servers: [{ url: '/' }],
    security: [{}, { bearer: [] }, { cookie: [] }],
    paths: { ...Object.fromEntries(paths), '/api/stream': stream },
    components: {
      schemas,
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key or a session token' },
        cookie: { type: 'apiKey', in: 'cookie', name: 'kinora.session_token' },
      },
    },
  };
}
