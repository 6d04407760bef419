import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { Type } from 'typebox';
import { Problem } from '@kinora/contracts';
import type { App } from '@kinora/service';

const page = `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>Kinora API</title><link rel="stylesheet" href="/api/docs/swagger-ui.css"></head>
<body><div id="swagger-ui"></div><script src="/api/docs/swagger-ui-bundle.js"></script><script src="/api/docs/start.js"></script></body></html>`;
const script = `SwaggerUIBundle({ url: '/openapi.json', dom_id: '#swagger-ui', deepLinking: true, validatorUrl: null });`;
const files = ['swagger-ui.css', 'swagger-ui-bundle.js'];

/** A readable page over `/openapi.json`: Swagger UI's own files, read from its package when somebody opens them. Needs `sendFile`. */
export function apiPage(app: App): void {
  const folder = (): string => path.join(path.dirname(fileURLToPath(import.meta.resolve('@fastify/swagger-ui'))), 'static');
  const hide = { schema: { hide: true } };
  app.get('/api/docs', hide, (_request, reply) => reply.header('cache-control', 'no-cache').type('text/html; charset=utf-8').send(page));
  app.get('/api/docs/start.js', hide, (_request, reply) =>
    reply.header('cache-control', 'no-cache').type('text/javascript; charset=utf-8').send(script),
  );
  app.get(
    '/api/docs/:file',
    { schema: { hide: true, params: Type.Object({ file: Type.String() }) } },
    async ({ params: { file } }, reply) => {
      if (!files.includes(file)) throw new Problem('route-not-found');
      return reply.header('cache-control', 'public, max-age=86400').sendFile(file, folder());
    },
  );
}
