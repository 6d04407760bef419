import { describe, expect, it } from '@jest/globals';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newEnvelope } from '../src/envelope.ts';
import { openBus } from '../src/open.ts';
import { topology } from './topology.ts';
import { unruly } from './unruly.ts';
import { until } from './until.ts';

describe('unruly', () => {
  it('delivers everything twice and in another order', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'kinora-unruly-'));
    const waits = [0.9, 0.5, 0.1, 0, 0.7, 0.3];
    const bus = unruly(openBus(`sqlite:${folder}/bus.sqlite`, { topology }), { random: () => waits.shift() ?? 0, maxDelayMs: 1_000 });
    const got: unknown[] = [];
    bus.subscribe({ service: 'worker', type: 'job.do', prefetch: 1, handler: async ({ envelope }) => void got.push(envelope.data) });
    await bus.publish([1, 2, 3].map((data) => newEnvelope({ source: 'test', type: 'job.do', data })));
    await until('all have come', () => got.length === 6);
    expect(got).toEqual([1, 3, 3, 2, 2, 1]);
    await bus.close();
    await rm(folder, { recursive: true });
  });
});
