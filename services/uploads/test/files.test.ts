import { randomBytes } from 'node:crypto';
import { readFile, truncate } from 'node:fs/promises';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { sourceKey } from '@kinora/contracts';
import { openReplicas, type Replicas } from './replicas.ts';
import { embedded } from './stores.ts';
import { idOf, patchHeaders, type Person } from './uploads.ts';

// Processes are started and waited for; a busy machine takes its time.
let replicas: Replicas;
let ann: Person;
beforeEach(async () => {
  replicas = await openReplicas(embedded);
  ann = await replicas.identities.create();
});
afterEach(() => replicas.close());

const fileOf = (location: string): string => path.join(replicas.dataDir, 'blobs', sourceKey(idOf(location)));

describe('uploads to files', () => {
  it('tell the offset that the disk has, even when a power cut took bytes', async () => {
    const first = await replicas.start();
    const location = await first.start(ann, 8);
    await first.send('PATCH', location, ann, patchHeaders(0), 'good');
    await first.kill();
    await truncate(fileOf(location), 2);
    const second = await replicas.start();
    expect(await second.offsetOf(location, ann)).toBe(2);
    expect((await second.send('PATCH', location, ann, patchHeaders(2), 'odlast')).status).toBe(204);
    expect((await readFile(fileOf(location))).toString()).toBe('goodlast');
  });

  it('are answered with 507 when the disk is full, which harms no byte that was acknowledged', async () => {
    // Without the right to mount, the limit on one file (EFBIG) of the process stands for the full disk.
    const full = await replicas.start({ limits: 'ulimit -f 8192; ' });
    const bytes = randomBytes(6_000_000);
    const location = await full.start(ann, bytes.length);
    expect((await full.send('PATCH', location, ann, patchHeaders(0), bytes.subarray(0, 1_000_000))).status).toBe(204);
    const refused = await full.send('PATCH', location, ann, patchHeaders(1_000_000), bytes.subarray(1_000_000));
    expect([refused.status, refused.slug]).toEqual([507, 'storage-full']);
    const kept = await full.offsetOf(location, ann);
    expect(kept).toBeGreaterThanOrEqual(1_000_000);
    await full.kill();
    const second = await replicas.start();
    expect((await second.send('PATCH', location, ann, patchHeaders(kept), bytes.subarray(kept))).status).toBe(204);
    expect((await readFile(fileOf(location))).equals(bytes)).toBe(true);
  });
});
