import { expect, it } from '@jest/globals';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Opens a bus at its argument, uses what it can, and says whether amqplib is loaded in the end. */
const script = `
  import { createRequire } from 'node:module';
  import { openBus } from ${JSON.stringify(new URL('../src/open.ts', import.meta.url).href)};
  const isLoaded = () => Object.keys(createRequire(${JSON.stringify(import.meta.url)}).cache).some((file) => file.includes('amqplib'));
  const url = process.argv[1];
  const bus = openBus(url, { topology: { 'video.seen': [] } });
  if (url.startsWith('sqlite:')) await bus.ready();
  else for (const until = Date.now() + 60_000; !isLoaded() && Date.now() < until;) await new Promise(setImmediate);
  console.log(isLoaded());
  await bus.close(0);`;

it('loads the driver of RabbitMQ for an amqp bus only', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'kinora-loads-'));
  const run = async (url: string): Promise<string> =>
    (await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script, url])).stdout.trim();
  expect(await run(`sqlite:${folder}/bus.sqlite`)).toBe('false');
  expect(await run('amqp://127.0.0.1:1')).toBe('true');
  await rm(folder, { recursive: true });
});
