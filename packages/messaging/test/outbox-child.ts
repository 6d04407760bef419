/** A process for tests to kill: `outbox-child.ts <folder>`. Writes documents without end and says which writes have returned. */
import { openDocuments } from '@kinora/documents';
import { writeSync } from 'node:fs';
import { openBus } from '../src/open.ts';
import { openOutbox } from '../src/outbox.ts';
import { changed, outboxed, type Video } from './outbox-videos.ts';
import { topology } from './topology.ts';

const [folder = ''] = process.argv.slice(2);
const documents = openDocuments(`sqlite:${folder}`, 'videos');
const videos = documents.collection<Video>('videos', outboxed);
const bus = openBus(`sqlite:${folder}/bus.sqlite`, { topology });
await documents.ready();
const outbox = openOutbox({ bus, collections: [videos] });
const say = (line: string): void => void writeSync(1, `${line}\n`);

for (let count = 0; ; count += 1) {
  const id = `${process.pid}-${count}`;
  await outbox.insert(videos, { _id: id, version: 0, title: 'new' }, [changed(`${id} inserted`)]);
  say(`event ${id}:inserted`);
  await outbox.change(videos, id, () => ({ update: { $set: { title: 'newer' } }, events: [changed(`${id} changed`)] }));
  say(`event ${id}:changed`);
  if (count % 2 === 0) continue;
  await outbox.remove(videos, id, () => [changed(`${id} removed`)]);
  say(`event ${id}:removed`);
}
