import { randomUUID } from 'node:crypto';
import { Problem } from '@kinora/contracts';
import type { App, Log } from '@kinora/service';
import { answerTo, unsatisfiedRange } from './answer.ts';
import { BufferPool } from './buffer-pool.ts';
import type { Folder } from './folder.ts';
import { folderPage, folderPageHeaders } from './folder-page.ts';
import { sendFromBlob, type SendOptions } from './send.ts';

export interface FolderRoutesOptions {
  readonly folder: Folder;
  readonly sending: SendOptions;
  readonly log: Log;
  readonly now: () => Date;
}

const bufferBytes = 1024 * 1024;

/** `/videos`, a page of players, and `/videos/{name}`, their bytes. For anybody: there is no token here. */
export const folderRoutes =
  ({ folder, sending, log, now }: FolderRoutesOptions) =>
  (app: App): void => {
    const pool = new BufferPool(bufferBytes);
    app.get('/', { schema: { hide: true } }, (_request, reply) => reply.redirect('/videos'));
    app.get(
      '/videos',
      { schema: { tags: ['videos'], summary: 'A page with a player for each video of the folder' } },
      async (_request, reply) => reply.headers(folderPageHeaders).send(folderPage(await folder.list())),
    );
    app.route<{ Params: { name: string } }>({
      method: ['GET', 'HEAD'],
      url: '/videos/:name',
      schema: { tags: ['videos'], summary: 'A video of the folder', description: 'Takes Range and conditions as files of assets do.' },
      async handler({ id, method, headers, params }, reply) {
        const video = await folder.open(params.name);
        if (!video) throw new Problem('not-found', { detail: 'The folder has no such video.' });
        const { representation, reader } = video;
        try {
          const answer = answerTo({ method, headers, nowSeconds: now().getTime() / 1000, boundary: randomUUID }, representation);
          answer.headers.push('x-content-type-options', 'nosniff', 'x-request-id', id);
          reply.hijack();
          await sendFromBlob(reply.raw, answer, reader, pool, sending);
        } catch (err) {
          if (reply.raw.headersSent) return void log.error({ requestId: id, err }, 'reading a video failed');
          if (err instanceof Problem && err.slug === 'range-not-satisfiable')
            reply.header('content-range', unsatisfiedRange(representation.bytes));
          throw err;
        } finally {
          await reader.close();
        }
        return reply;
      },
    });
  };
