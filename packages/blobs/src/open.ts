import { fileURLToPath } from 'node:url';
import { parseAzureUrl } from './azure-url.ts';
import { openFileBlobs } from './file.ts';
import { lazyBlobs } from './lazy.ts';
import type { Blobs } from './port.ts';
import { parseS3Url } from './s3-url.ts';

function openFile(url: string): Blobs {
  const folder = url.startsWith('file://') ? fileURLToPath(url) : url.slice('file:'.length);
  if (folder === '') throw new Error('BLOBS_URL names no folder; write file:<folder>');
  return openFileBlobs(folder);
}

/**
 * The blob store at `url`:
 * - `file:<folder>`, relative to the working folder, absolute, or as a whole `file:///` URL. The folder is made when missing.
 * - `s3://BUCKET[/PREFIX][?endpoint=…&region=…&style=path|virtual]`
 * - `azure://CONTAINER[/PREFIX]?account=NAME`
 * @throws {Error} a sentence that begins with BLOBS_URL, for what is none of these, or a folder that cannot be made
 */
export function openBlobs(url: string): Blobs {
  const scheme = /^([a-z][a-z0-9+.-]*):/i.exec(url)?.[1]?.toLowerCase();
  switch (scheme) {
    case 'file':
      return openFile(url);
    case 's3':
      parseS3Url(url);
      return lazyBlobs(async () => (await import('./s3.ts')).openS3Blobs(url));
    case 'azure': {
      const { AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY } = process.env;
      const env = { AZURE_STORAGE_CONNECTION_STRING, AZURE_STORAGE_KEY };
      parseAzureUrl(url, env);
      return lazyBlobs(async () => (await import('./azure.ts')).openAzureBlobs(url, env));
    }
    default:
      throw new Error(`BLOBS_URL has the scheme "${scheme ?? ''}"; known: file:<folder>, s3://BUCKET, azure://CONTAINER`);
  }
}
