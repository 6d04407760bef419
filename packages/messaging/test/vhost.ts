/** A virtual host of RabbitMQ for one test, made and removed through the management API. */
export interface Vhost {
  /** Bus URL. */
  readonly url: string;
  /** Removes it with all that is in it. */
  dispose(): Promise<void>;
}

/** Asks the management API; `path` is what follows `/api/`. @throws when it answers with an error. */
export async function manage(method: string, path: string, body?: unknown): Promise<unknown> {
  const broker = brokerUrl();
  const { AMQP_MANAGEMENT_URL = `http://${broker.hostname}:15672` } = process.env;
  const credentials = [broker.username || 'guest', broker.password || 'guest'].map(decodeURIComponent).join(':');
  const answer = await fetch(new URL(`/api/${path}`, AMQP_MANAGEMENT_URL), {
    method,
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

const prefix = 'kinora-test-';
const keptMs = 3_600_000;
let sweeping: Promise<void> | undefined;

/** A new, empty virtual host of the broker that `AMQP_URL` names. */
export async function newVhost(): Promise<Vhost> {
  const url = brokerUrl();
  await (sweeping ??= sweep());
  const name = `${prefix}${Date.now()}-${crypto.randomUUID()}`;
  await manage('PUT', `vhosts/${name}`);
  await manage('PUT', `permissions/${name}/${url.username || 'guest'}`, { configure: '.*', write: '.*', read: '.*' });
  url.pathname = name;
  return { url: url.href, dispose: async () => void (await manage('DELETE', `vhosts/${name}`)) };
}

/** Removes what tests that were killed have left for an hour: a broker with the usual 1 024 files has room for some 300 quorum queues. */
async function sweep(): Promise<void> {
  const vhosts = (await manage('GET', 'vhosts')) as { readonly name: string }[];
  for (const { name } of vhosts) {
    const madeAt = name.startsWith(prefix) ? parseInt(name.slice(prefix.length), 10) : NaN;
    if (madeAt < Date.now() - keptMs) await manage('DELETE', `vhosts/${name}`).catch(() => undefined); // or another test process does
  }
}

function brokerUrl(): URL {
  const { AMQP_URL } = process.env;
  if (AMQP_URL === undefined) throw new Error('AMQP_URL names the RabbitMQ to test with, e.g. amqp://guest:guest@127.0.0.1:5672');
  return new URL(AMQP_URL);
}
