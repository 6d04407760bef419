/** The address of a MongoDB deployment, taken apart: what its driver is told, which database is a service's, how long a call may take. */

/** How long to wait for what, in milliseconds; each is an option of the URL. */
const WAITS_MS = {
  /** For a server that takes the call: an election takes up to 12 s, of which the first is noticed. */
  serverSelectionTimeoutMS: 15_000,
  /** For a new connection and for a heartbeat's answer, so this is how soon a server that hangs is noticed. */
  connectTimeoutMS: 5_000,
  /** For the answer to a call. */
  socketTimeoutMS: 15_000,
  /** For a free connection of the pool. */
  waitQueueTimeoutMS: 10_000,
} as const;

/** Connections to each server. */
const MAX_POOL_SIZE = 30;

/** What acknowledged means is not for the URL to change: outbox and idempotence rest on it. */
const FIXED: Readonly<Record<string, { readonly option: string; readonly value: string }>> = {
  w: { option: 'w', value: 'majority' },
  journal: { option: 'journal', value: 'true' },
  readpreference: { option: 'readPreference', value: 'primary' },
};

const UNENCODED = 'in the name and password of a mongodb: URL, : / ? # @ and % are written as %3A %2F %3F %23 %40 and %25';

export interface MongodbAddress {
  /** What the driver connects to: the URL without the installation. Holds the password. */
  readonly url: string;
  /** `<installation>-<service>`. */
  readonly database: string;
  /** Hosts as written, for errors. */
  readonly hosts: string;
  /** For the driver, none of them in the URL. */
  readonly defaults: Readonly<Record<string, number>>;
  /** How long the server may work on an answer. */
  readonly answerMs: number;
  /** After this a call fails, whatever it waits for. */
  readonly callMs: number;
  /** Longest wait for a server. */
  readonly selectionMs: number;
  /** The text, or none when it repeats the password. */
  withoutPassword(text: string): string | undefined;
}

/** Reads `mongodb://[user:pass@]host[:port][,host…]/[installation][?options]`, also mongodb+srv. @throws {TypeError} that never repeats the URL */
export function parseMongodbUrl(url: string, service: string): MongodbAddress {
  const [, scheme = '', authority = '', installation = '', query = ''] =
    /^(mongodb(?:\+srv)?:\/\/)([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/.exec(url) ?? refuse('it is mongodb://host:port/installation');
  const at = authority.lastIndexOf('@');
  const userinfo = authority.slice(0, Math.max(at, 0));
  const hosts = authority.slice(at + 1);
  if (/@/.test(userinfo + installation + query) || /:.*:/.test(userinfo)) throw new TypeError(UNENCODED);
  if (hosts === '') refuse('it names no host');
  if (installation !== '' && !/^[A-Za-z][\w-]{0,29}$/.test(installation))
    refuse('its path names the installation: letters, digits, _ and -, at most 30, a letter first');
  const secrets = secretsOf(userinfo);
  const options = parseOptions(query);
  const waits = Object.fromEntries(Object.entries(WAITS_MS).map(([name, ms]) => [name, milliseconds(options, name) ?? ms]));
  const defaults = { ...waits, maxPoolSize: MAX_POOL_SIZE };
  const { serverSelectionTimeoutMS: selectionMs = 0, socketTimeoutMS: answerMs = 0 } = waits;
  return {
    url: `${scheme}${authority}/${query === '' ? '' : `?${query}`}`,
    database: `${installation || 'kinora'}-${service}`,
    hosts,
    defaults: Object.fromEntries(Object.entries(defaults).filter(([name]) => !options.has(name.toLowerCase()))),
    answerMs,
    callMs: selectionMs + answerMs,
    selectionMs,
    withoutPassword: (text) => (secrets.some((secret) => text.includes(secret)) ? undefined : text),
  };
}

function refuse(reason: string): never {
  throw new TypeError(`DOCUMENTS_URL cannot be used: ${reason}`);
}

/** The options by name in lower case, as MongoDB compares them. */
function parseOptions(query: string): ReadonlyMap<string, string> {
  const options = new Map([...new URLSearchParams(query)].map(([name, value]) => [name.toLowerCase(), value]));
  for (const [name, { option, value }] of Object.entries(FIXED)) {
    const given = options.get(name);
    if (given !== undefined && given !== value) refuse(`${option} is ${value}; nothing else is offered`);
  }
  return options;
}

function milliseconds(options: ReadonlyMap<string, string>, name: string): number | undefined {
  const given = options.get(name.toLowerCase());
  if (given === undefined) return undefined;
  return /^[1-9]\d{0,7}$/.test(given) ? Number(given) : refuse(`${name} is a whole number of milliseconds from 1`);
}

function secretsOf(userinfo: string): readonly string[] {
  const password = userinfo.split(':')[1] ?? '';
  return [...new Set([password, decoded(password)])].filter((secret) => secret !== '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new TypeError(UNENCODED);
  }
}
