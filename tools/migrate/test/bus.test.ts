import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { newId, topology } from '@kinora/contracts';
import { newEnvelope, NonRetryableError, openBus, type Bus, type Envelope } from '@kinora/messaging';
import { compareDepths, readLetters, writeLetters } from '../bus.ts';
import { makeFolders, type Folders } from './folders.ts';

let folders: Folders;
beforeEach(async () => void (folders = await makeFolders()));
afterEach(() => folders.remove());

const signal = new AbortController().signal;
const aheadMs = 120_000;
const open = (name: string, now = Date.now): Bus => openBus(`sqlite:${folders.path(name)}`, { topology, now });
const letter = (type: string): Envelope => newEnvelope({ source: 'catalog', type, data: { videoId: newId() } });

/** Runs `work` on the bus and closes it. */
async function on<T>(name: string, work: (bus: Bus) => Promise<T>, now = Date.now): Promise<T> {
  const bus = open(name, now);
  try {
    return await work(bus);
  } finally {
    await bus.close(0);
  }
}

/** Publishes and lets the message die in the queues of `services`; in those of others it stays. */
async function bury(bus: Bus, envelope: Envelope, services: readonly string[], reason: string): Promise<void> {
  await bus.publish(envelope);
  const died = services.map((service) => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const handler = async (): Promise<void> => {
      resolve();
      throw new NonRetryableError(reason);
    };
    const subscription = bus.subscribe({ service, type: envelope.type, handler });
    return promise.then(() => subscription.stop());
  });
  await Promise.all(died);
}

const ahead = (): number => Date.now() + aheadMs;
const move = async (): Promise<void> => {
  const letters = await readLetters(open('from', ahead), signal);
  await writeLetters(open('to'), letters, signal);
};

/** What waits, by queue, taken for good. */
async function takeAll(bus: Bus): Promise<Record<string, string[]>> {
  const taken: Record<string, string[]> = {};
  const waiting = (await bus.depths()).reduce((sum, depth) => sum + depth.waiting, 0);
  const { promise, resolve } = Promise.withResolvers<void>();
  let count = 0;
  for (const [type, services] of Object.entries(topology))
    for (const service of services)
      bus.subscribe({
        service,
        type,
        handler: async ({ envelope, attempt }) => {
          expect(attempt).toBe(1);
          (taken[`${service}.${type}`] ??= []).push(envelope.id);
          if (++count === waiting) resolve();
        },
      });
  if (waiting > 0) await promise;
  return taken;
}

/** Where `envelope` waits when it has died in the queues of `services`. */
const waitingFor = ({ type, id }: Envelope, services: readonly string[]): Record<string, string[]> =>
  Object.fromEntries(
    (topology[type] ?? []).filter((service) => !services.includes(service)).map((service) => [`${service}.${type}`, [id]]),
  );

it('brings what waits, now or for later, and dead letters with their reason, each to its own queue', async () => {
  const [both, later, half] = [letter('account.deleted'), letter('video.viewed'), letter('video.removed')];
  const before = await on('from', async (bus) => {
    await bury(bus, half, ['uploads'], 'no such upload');
    await bus.publish(both);
    await bus.publish(later, { delayMs: 60_000 });
    return bus.depths();
  });
  await on('to', (bus) => bury(bus, letter('asset.open'), ['transcoding'], 'left by an earlier run'));
  await move();
  await move();
  expect(await on('from', (bus) => bus.depths())).toEqual(before);
  await on('to', async (bus) => {
    expect(await bus.depths()).toEqual(before);
    const [dead, ...more] = await bus.deadLetters('uploads.video.removed');
    expect(more).toEqual([]);
    expect(dead?.envelope).toEqual(half);
    expect(dead?.error).toBe('NonRetryableError: no such upload');
    expect(await takeAll(bus)).toEqual({
      ...waitingFor(both, []),
      ...waitingFor(later, []),
      ...waitingFor(half, ['uploads']),
    });
  });
  // What was read is still there for the old installation, as if nobody had taken it.
  const again = await on('from', takeAll, ahead);
  expect(again['accounts.account.deleted']).toEqual([both.id]);
  expect(again['catalog.video.viewed']).toEqual([later.id]);
});

it('empties the target when nothing is under way, and leaves empty queues alone', async () => {
  await on('to', (bus) => bus.publish([letter('account.deleted'), letter('asset.open')]));
  await move();
  expect(compareDepths(await on('to', (bus) => bus.depths()))).toEqual([]);
});

it('takes more messages than one subscription holds', async () => {
  const count = 5_500;
  const letters = Array.from({ length: count }, () => letter('asset.transcode'));
  await on('from', (bus) => bus.publish(letters));
  await move();
  expect(compareDepths(await on('to', (bus) => bus.depths()))).toEqual([{ queue: 'transcoding.asset.transcode', waiting: count, dead: 0 }]);
});
