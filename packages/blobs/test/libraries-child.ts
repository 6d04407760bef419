// Prints the libraries of object stores that are loaded by opening and using the store at the first argument.
import { registerHooks } from 'node:module';

const loaded = new Set<string>();
registerHooks({
  load(url, context, next) {
    const [, name] = /node_modules\/(@aws-sdk\/client-s3|@azure\/storage-blob|@azure\/identity)\//.exec(url) ?? [];
    if (name !== undefined) loaded.add(name);
    return next(url, context);
  },
});
const { openBlobs } = await import('../src/index.ts');
const blobs = openBlobs(process.argv[2] ?? '');
await blobs.ping().catch(() => undefined);
await blobs.close();
process.stdout.write(JSON.stringify([...loaded]));
