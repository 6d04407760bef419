import { Problem } from '@kinora/contracts';
import type { App } from '@kinora/service';
import { unsatisfiedRange } from './answer.ts';
import { readableElsewhere, type Media } from './media.ts';

interface MediaRoute {
  Params: { token: string; assetId: string; '*': string };
}

export const mediaRoute = '/media/:token/:assetId/*';

const preflight = {
  ...readableElsewhere,
  'access-control-allow-methods': 'GET, HEAD, OPTIONS',
  'access-control-max-age': '86400',
};

/** GET, HEAD and OPTIONS of `/media/{token}/{assetId}/{path…}`. */
export const routes =
  (media: Media) =>
  (app: App): void => {
    app.route<MediaRoute>({
      method: ['GET', 'HEAD'],
      url: mediaRoute,
      schema: {
        tags: ['media'],
        summary: 'A playlist, segment or picture of an asset',
        description: 'Takes Range, If-Range, If-Match, If-None-Match and If-(Un)Modified-Since.',
      },
      async handler(request, reply) {
        const { id, method, headers } = request;
        const { token, assetId, '*': path } = request.params;
        try {
          await media.sendFromBlobs({ id, method, headers, token, assetId, path }, reply.raw, () => void reply.hijack());
        } catch (error) {
          if (reply.sent) throw error;
          reply.headers(readableElsewhere);
          const length = error instanceof Problem && error.slug === 'range-not-satisfiable' ? error.extensions['bytes'] : undefined;
          if (typeof length === 'number') reply.header('content-range', unsatisfiedRange(length));
          throw error;
        }
        return reply;
      },
    });
    app.options(mediaRoute, { schema: { hide: true } }, (request, reply) => {
      const wanted = request.headers['access-control-request-headers'];
      if (wanted !== undefined) reply.header('access-control-allow-headers', wanted).header('vary', 'access-control-request-headers');
      return reply.code(204).headers(preflight).send();
    });
  };
