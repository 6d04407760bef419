// Prints whether MongoDB's driver is loaded by opening and using the documents at the first argument.
import { registerHooks } from 'node:module';

let isLoaded = false;
registerHooks({
  load(url, context, next) {
    isLoaded ||= url.includes('node_modules/mongodb/');
    return next(url, context);
  },
});
const { openDocuments } = await import('../src/index.ts');
const documents = openDocuments(process.argv[2] ?? '', 'test');
documents.collection('records', { indexes: [] });
await documents.ready().catch(() => undefined);
await documents.close();
process.stdout.write(String(isLoaded));
