/**
 * A process that writes until it is killed or has written enough, and prints the number of each write once it is acknowledged:
 * `node sqlite-writer.ts <url> <name> <writes> <concurrency>`.
 */
import { openDocuments, type Identified } from '../src/index.ts';

interface Written extends Identified {
  readonly writer: string;
  readonly n: number;
  readonly tags: readonly string[];
}

interface Counter extends Identified {
  readonly total: number;
}

const [url = '', writer = '', writes = '0', concurrency = '1'] = process.argv.slice(2);
const documents = openDocuments(url, 'shared');
const written = documents.collection<Written>('written', { indexes: [{ keys: { writer: 1, n: 1 }, unique: true }, { keys: { tags: 1 } }] });
const counters = documents.collection<Counter>('counters', { indexes: [] });
await documents.ready();

let next = 0;
async function write(): Promise<void> {
  while (next < Number(writes)) {
    const n = next++;
    await written.insertOne({ _id: `${writer}-${n}`, writer, n, tags: [`tag${n % 3}`, writer] });
    await counters.updateOne({ _id: 'all' }, { $inc: { total: 1 } }, { upsert: true });
    process.stdout.write(`${n}\n`);
  }
}
await Promise.all(Array.from({ length: Number(concurrency) }, write));
await documents.close();
