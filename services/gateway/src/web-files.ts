import { stat } from 'node:fs/promises';
import path from 'node:path';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { Problem } from '@kinora/contracts';
import type { App } from '@kinora/service';

/** File below a folder that a URL path names, or undefined when it names none: no hidden files, no way out. */
export function fileOf(urlPath: string): string | undefined {
  let decoded: string;
  try {
    decoded = decodeURIComponent(urlPath);
  } catch {
    return undefined;
  }
  const segments = decoded.slice(1).split('/');
  return segments.every((segment) => /^[^.\\\0][^\\\0]*$/.test(segment)) ? segments.join('/') : undefined;
}

const isFile = async (file: string): Promise<boolean> => (await stat(file).catch(() => undefined))?.isFile() ?? false;

const notBuilt = `<!doctype html><html lang="en"><meta charset="utf-8"><title>Kinora</title>
<h1>The web app is not built</h1><p>Run <code>npm start</code>, which builds it, or set <code>GATEWAY_WEB_DIR</code>. The <a href="/api/docs">API</a> works without it.</p></html>`;

/** Serves the web app: compressed ahead, assets for ever, and its one page for every address that a person may open. */
export async function webFiles(app: App, folder: string): Promise<void> {
  await app.register(fastifyStatic, {
    root: path.resolve(folder),
    serve: false,
    preCompressed: true,
    cacheControl: false,
    dotfiles: 'deny',
  });
  const page = async (reply: FastifyReply): Promise<FastifyReply> => {
    reply.header('cache-control', 'no-cache').header('vary', 'accept-encoding');
    if (await isFile(path.join(folder, 'index.html'))) return reply.sendFile('index.html');
    return reply.code(503).type('text/html; charset=utf-8').send(notBuilt);
  };
  app.get('/*', { schema: { hide: true } }, async (request: FastifyRequest, reply) => {
    const urlPath = request.url.split('?')[0] ?? '/';
    if (urlPath === '/') return page(reply);
    const file = fileOf(urlPath);
    const isAsset = urlPath.startsWith('/assets/');
    if (file !== undefined && (await isFile(path.join(folder, file)))) {
      reply.header('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache').header('vary', 'accept-encoding');
      return reply.sendFile(file);
    }
    const wantsPage = request.headers.accept?.includes('text/html') === true;
    if (!wantsPage || isAsset || file === undefined || /^\/(?:api|media|internal)(?:\/|$)/.test(urlPath))
      throw new Problem('route-not-found', { detail: `There is no ${request.method} ${urlPath}.` });
    return page(reply);
  });
}
