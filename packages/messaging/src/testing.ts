/** For tests of what talks to a RabbitMQ: a virtual host of their own, through the management API. */

/** Where the management API of the broker at `busUrl` is: AMQP_MANAGEMENT_URL, else port 15672 of the same host. */
const apiOf = ({ hostname }: URL): string => process.env['AMQP_MANAGEMENT_URL'] ?? `http://${hostname}:15672`;

/** Asks the management API of the broker at `busUrl`; `path` is what follows `/api/`. @throws when it answers with an error. */
export async function manage(busUrl: string, method: string, path: string, body?: unknown): Promise<unknown> {
  const broker = new URL(busUrl);
  const credentials = [broker.username || 'guest', broker.password || 'guest'].map(decodeURIComponent).join(':');
  const answer = await fetch(new URL(`/api/${path}`, apiOf(broker)), {
    method,
    headers: { authorization: `Basic ${Buffer.from(credentials).toString('base64')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await answer.text();
  if (!answer.ok) throw new Error(`${method} ${path} answers ${answer.status}: ${text}`);
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

const nameIn = (busUrl: string): string => new URL(busUrl).pathname.slice(1);

/** Makes the virtual host that `busUrl` names, for the account that it names; again without an effect. */
export async function makeVhost(busUrl: string): Promise<void> {
  const name = nameIn(busUrl);
  await manage(busUrl, 'PUT', `vhosts/${name}`);
  const account = new URL(busUrl).username || 'guest';
  await manage(busUrl, 'PUT', `permissions/${name}/${account}`, { configure: '.*', write: '.*', read: '.*' });
}

/** Removes the virtual host that `busUrl` names, with all that is in it. */
export async function removeVhost(busUrl: string): Promise<void> {
  await manage(busUrl, 'DELETE', `vhosts/${nameIn(busUrl)}`);
}
