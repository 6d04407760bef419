import { checkFolder } from './key.ts';

/** The parts that the addresses of object stores have in common. */
export interface ObjectUrl {
  /** Bucket or container. */
  readonly name: string;
  /** What every key of the installation begins with in the store: empty, or ending in `/`. */
  readonly prefix: string;
  readonly options: ReadonlyMap<string, string>;
}

const fail = (what: string): never => {
  throw new Error(`BLOBS_URL ${what}`);
};

/**
 * Splits `<scheme>://<name>[/<prefix>][?<option>=<value>…]`; `known` are the options there are.
 * @throws {Error} a sentence that begins with BLOBS_URL and repeats nothing that may be secret
 */
export function parseObjectUrl(url: string, form: string, known: readonly string[]): ObjectUrl {
  if (!URL.canParse(url)) fail(`is not an address; write ${form}`);
  const { username, password, hostname, port, pathname, searchParams, hash } = new URL(url);
  if (username !== '' || password !== '') fail('must not hold credentials');
  if (port !== '' || hash !== '' || hostname === '') fail(`does not have the form ${form}`);
  const options = new Map<string, string>();
  for (const [name, value] of searchParams) {
    if (!known.includes(name)) fail(`has an unknown option; known: ${known.join(', ')}`);
    if (options.has(name) || value === '') fail(`needs one value for the option ${name}`);
    options.set(name, value);
  }
  return { name: hostname, prefix: prefixOf(pathname), options };
}

function prefixOf(pathname: string): string {
  const prefix = pathname.replace(/^\//, '').replace(/(?<=[^/])$/, '/');
  try {
    return prefix === '' ? '' : checkFolder(prefix);
  } catch {
    return fail('has a prefix that is no beginning of a key; use letters, digits, ".", "_", "-" and single "/"');
  }
}

/** `value` as the address of a server, without a slash at its end; undefined when there is none. @throws {Error} */
export function parseEndpoint(value: string | undefined): string | undefined {
  if (value === undefined) return undefined;
  const endpoint = URL.canParse(value) ? new URL(value) : fail('has an endpoint that is not an address; write endpoint=https://host');
  const { protocol, username, password, search, hash } = endpoint;
  if (!['http:', 'https:'].includes(protocol) || search !== '' || hash !== '')
    fail('needs an endpoint like https://host or http://host:port');
  if (username !== '' || password !== '') fail('must not hold credentials, not in its endpoint either');
  return endpoint.href.replace(/\/+$/, '');
}
