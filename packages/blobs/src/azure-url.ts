import { parseEndpoint, parseObjectUrl } from './object-url.ts';

/** What may open the container: one of these. */
export type AzureAccess =
  | { readonly kind: 'connection-string'; readonly connectionString: string }
  | { readonly kind: 'key'; readonly account: string; readonly key: string }
  | { readonly kind: 'identity' };

/** Where blobs lie in Azure Blob Storage. */
export interface AzureLocation {
  readonly container: string;
  /** Empty, or ending in `/`. */
  readonly prefix: string;
  /** Address of the account's blob service without a slash at its end; undefined: the connection string names it. */
  readonly endpoint: string | undefined;
  readonly access: AzureAccess;
}

export type AzureEnvironment = Readonly<Partial<Record<'AZURE_STORAGE_CONNECTION_STRING' | 'AZURE_STORAGE_KEY', string | undefined>>>;

const form = 'azure://CONTAINER[/PREFIX]?account=NAME';

/** Account that an endpoint names: first label of its host, or first segment of its path (Azurite). */
function accountOf(endpoint: string): string | undefined {
  const { hostname, pathname } = new URL(endpoint);
  const named = pathname.split('/')[1] || hostname.split('.')[0];
  return named !== undefined && /^[a-z0-9]{3,24}$/.test(named) ? named : undefined;
}

function accessOf(account: string | undefined, env: AzureEnvironment): AzureAccess {
  const { AZURE_STORAGE_CONNECTION_STRING: connectionString, AZURE_STORAGE_KEY: key } = env;
  if (connectionString) return { kind: 'connection-string', connectionString };
  if (!key) return { kind: 'identity' };
  if (account === undefined) throw new Error('BLOBS_URL needs account=NAME beside AZURE_STORAGE_KEY');
  return { kind: 'key', account, key };
}

/** Reads an `azure:` BLOBS_URL with the credentials in `env`. @throws {Error} a sentence without secrets */
export function parseAzureUrl(url: string, env: AzureEnvironment): AzureLocation {
  const { name, prefix, options } = parseObjectUrl(url, form, ['account', 'endpoint']);
  if (!/^(?!.*--)[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/.test(name))
    throw new Error('BLOBS_URL has no valid container: 3–63 lower-case letters, digits and single "-"');
  const account = options.get('account');
  if (account !== undefined && !/^[a-z0-9]{3,24}$/.test(account))
    throw new Error('BLOBS_URL has an account that is not one: 3–24 lower-case letters and digits');
  const given = parseEndpoint(options.get('endpoint'));
  const endpoint = given ?? (account === undefined ? undefined : `https://${account}.blob.core.windows.net`);
  const access = accessOf(account ?? (given === undefined ? undefined : accountOf(given)), env);
  if (endpoint === undefined && access.kind !== 'connection-string')
    throw new Error(`BLOBS_URL names no storage account; write ${form}, or set AZURE_STORAGE_CONNECTION_STRING`);
  return { container: name, prefix, endpoint, access };
}
