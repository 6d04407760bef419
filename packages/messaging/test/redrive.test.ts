import { describe, expect, it } from '@jest/globals';
import { topology } from '@kinora/contracts';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { event } from '../src/envelope.ts';
import { openBus } from '../src/open.ts';
import { NonRetryableError } from '../src/port.ts';
import { until } from './until.ts';

const script = fileURLToPath(new URL('../src/redrive.ts', import.meta.url));

describe('the redrive command', () => {
  it('lists dead letters with their error, puts them back, and names an unknown queue', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kinora-redrive-'));
    const bus = openBus(`sqlite:${folder}/bus.sqlite`, { topology });
    const run = (...args: string[]) => promisify(execFile)(process.execPath, [script, ...args], { env: { DATA_DIR: folder } });
    let hasFailed = false;
    const attempts: number[] = [];
    const handler = async ({ attempt }: { attempt: number }) => {
      attempts.push(attempt);
      if (!hasFailed) throw new NonRetryableError('no such asset');
    };
    bus.subscribe({ service: 'transcoding', type: 'asset.transcode', handler });
    const sent = event('asset.transcode', 'transcoding', { assetId: 'a'.repeat(20), jobId: 'opening' });
    await bus.publish(sent);
    await until('it is dead', async () => (await bus.deadLetters('transcoding.asset.transcode')).length === 1);
    hasFailed = true;
    expect((await run()).stdout).toMatch(/transcoding\.asset\.transcode\D+0\D+0\D+1/);
    const listed = (await run('--list', 'transcoding.asset.transcode')).stdout;
    expect(JSON.parse(listed)).toMatchObject({ envelope: sent, error: 'NonRetryableError: no such asset' });
    expect((await run('transcoding.asset.transcode')).stdout).toContain('1 messages go back');
    await until('it comes again', () => attempts.length === 2);
    await expect(run('transcoding.unknown')).rejects.toThrow('no queue transcoding.unknown');
    await bus.close();
    await rm(folder, { recursive: true });
  });
});
