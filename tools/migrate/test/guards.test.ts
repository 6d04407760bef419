import { mkdir, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { findRecord, MoveState } from '../state.ts';
import { makeFolders, type Folders } from './folders.ts';
import { within } from './tool.ts';

let folders: Folders;
beforeEach(async () => void (folders = await makeFolders()));
afterEach(() => folders.remove());

/** As little as makes an installation: the key that accounts makes at its first start, and a secret. */
async function found(name: string, key = name): Promise<void> {
  await mkdir(folders.path(name), { recursive: true });
  await writeFile(folders.path(name, 'playback-secret'), `secret of ${name}`);
  const { ports } = folders.place(name);
  await ports.collection('accounts', 'settings').insertOne({ _id: 'signing-key', value: { kid: key } });
  await ports.collection('catalog', 'videos').insertOne({ _id: 'v1', title: name });
  await ports.close();
}
const migrate = (from: string, to: string, ...more: string[]) => within(['--from', folders.path(from), '--to', folders.path(to), ...more]);

describe('a target', () => {
  it('that somebody has written to since the last copy is left alone', async () => {
    await found('from');
    expect(await migrate('from', 'to')).toMatchObject({ result: 'copied' });
    const { ports } = folders.place('to');
    const videos = ports.collection('catalog', 'videos');
    await videos.insertOne({ _id: 'v2', title: 'written by a service that should not run' });
    await ports.close();
    for (const mode of [[], ['--finish', '--wait', '0']])
      await expect(migrate('from', 'to', ...mode)).rejects.toThrow(/^Somebody else has written to .*\(catalog\.videos\)/);
    const again = folders.place('to').ports;
    expect(await again.collection('catalog', 'videos').countDocuments({})).toBe(2);
  });

  it('that holds the unfinished move of another installation is refused', async () => {
    await found('from');
    await found('other');
    expect(await migrate('from', 'to')).toMatchObject({ result: 'copied' });
    await expect(migrate('other', 'to')).rejects.toThrow('holds the unfinished move of another installation');
    expect(await folders.place('to').ports.collection('catalog', 'videos').findOne({ _id: 'v1' })).toMatchObject({ title: 'from' });
  });

  it('that is an installation, be it without a video, is refused', async () => {
    await found('from');
    await found('to');
    await expect(migrate('from', 'to')).rejects.toThrow('is not empty: it has documents (accounts.settings has 1)');
  });

  it('is not moved to without the secret of playback addresses', async () => {
    await found('from');
    await writeFile(folders.path('from', 'playback-secret'), '');
    await expect(migrate('from', 'to')).rejects.toThrow('PLAYBACK_SECRET');
  });

  it('is not moved to while somebody is signed in by a secret that is not known', async () => {
    await found('from');
    const { ports } = folders.place('from');
    await ports.collection('accounts', 'sessions').insertOne({ _id: 's1', token: 't' });
    await expect(migrate('from', 'to')).rejects.toThrow(/^The ACCOUNTS_SECRET of .* everybody would be signed out/);
    await ports.collection('accounts', 'settings').insertOne({ _id: 'session-secret', value: 'kept by accounts' });
    expect(await migrate('from', 'to')).toMatchObject({ result: 'copied' });
    await ports.close();
  });
});

describe('MoveState', () => {
  const lost = (): void => undefined;

  it('lets one process work at a time, and the next one when it has ended or is silent for half a minute', async () => {
    const { place, ports } = folders.place('to');
    const [one, other] = [new MoveState(ports, place), new MoveState(ports, place)];
    await one.take('id', 'from', lost);
    await expect(other.take('id', 'from', lost)).rejects.toThrow(/Another migration to this target is at work: process \d+/);
    await one.release();
    await other.take('id', 'from', lost);
    const muchLater = new MoveState(ports, place, () => Date.now() + 31_000);
    await muchLater.take('id', 'from', lost);
    await other.release();
    expect((await findRecord(ports, place)).move?.holder).toBeDefined();
    await muchLater.release();
    expect((await findRecord(ports, place)).move?.holder).toBeUndefined();
  });

  it('is refused to the copy of a move that another process holds, and nothing is copied', async () => {
    await found('from');
    expect(await migrate('from', 'to')).toMatchObject({ result: 'copied' });
    const { place, ports } = folders.place('to');
    const state = new MoveState(ports, place);
    await state.take('id', 'from', lost);
    await expect(migrate('from', 'to')).rejects.toThrow('Another migration to this target is at work');
    await state.release();
    expect(await migrate('from', 'to')).toMatchObject({ result: 'copied' });
  });
});
