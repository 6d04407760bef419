// A bare Fastify over node:sqlite that lists videos: what to compare the catalog with. Arguments: port, database file.
import { DatabaseSync } from 'node:sqlite';
import Fastify from 'fastify';
import type { Video } from '@kinora/contracts';

const [port = '', file = ''] = process.argv.slice(2);
const database = new DatabaseSync(file, { readOnly: true });
const page = database.prepare('SELECT key, video FROM videos WHERE key < ? ORDER BY key DESC LIMIT 25');

const app = Fastify();
app.get<{ Querystring: { readonly after?: string } }>('/api/videos', ({ query: { after } }) => {
  const rows = page.all(
    after === undefined
      ? '~'
      : Buffer.from(after, 'base64url')
          .toString()
          .replace(/^newest /, ''),
  );
  const items = rows.slice(0, 24).map(({ video }) => JSON.parse(String(video)) as Video);
  const next = rows.length > 24 ? { next: Buffer.from(`newest ${String(rows[23]?.['key'])}`).toString('base64url') } : {};
  return { items, ...next };
});
await app.listen({ port: Number(port), host: '127.0.0.1' });
process.once('SIGTERM', () => process.exit());
