import { makeVhost, manage, removeVhost } from '../src/testing.ts';

/** A virtual host of RabbitMQ for one test. */
export interface Vhost {
  /** Bus URL. */
  readonly url: string;
  /** Removes it with all that is in it. */
  dispose(): Promise<void>;
}

const prefix = 'kinora-test-';
const keptMs = 3_600_000;
let sweeping: Promise<void> | undefined;

/** A new, empty virtual host of the broker that `AMQP_URL` names. */
export async function newVhost(): Promise<Vhost> {
  const { AMQP_URL } = process.env;
  if (AMQP_URL === undefined) throw new Error('AMQP_URL names the RabbitMQ to test with, e.g. amqp://guest:guest@127.0.0.1:5672');
  await (sweeping ??= sweep(AMQP_URL));
  const url = Object.assign(new URL(AMQP_URL), { pathname: `${prefix}${Date.now()}-${crypto.randomUUID()}` }).href;
  await makeVhost(url);
  return { url, dispose: () => removeVhost(url) };
}

/** Removes what tests that were killed have left for an hour: a broker with the usual 1 024 files has room for some 300 quorum queues. */
async function sweep(url: string): Promise<void> {
  const vhosts = (await manage(url, 'GET', 'vhosts')) as { readonly name: string }[];
  for (const { name } of vhosts) {
    const madeAt = name.startsWith(prefix) ? parseInt(name.slice(prefix.length), 10) : NaN;
    if (madeAt < Date.now() - keptMs) await manage(url, 'DELETE', `vhosts/${name}`).catch(() => undefined); // or another test process does
  }
}
