import { randomUUID } from 'node:crypto';
import { readFile, rm } from 'node:fs/promises';
import { createReadStream } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { BlobChangedError, BlobNotFoundError, BlobStoreError, openBlobs, type Blobs } from '@kinora/blobs';
import { openFaultyProxy, type FaultyProxy } from '@kinora/blobs/testing';
import { remuxArguments } from '../src/arguments.ts';
import { openFfmpeg } from '../src/ffmpeg.ts';
import { openFfprobe } from '../src/ffprobe.ts';
import type { Probe } from '../src/probe.ts';
import { withSource } from '../src/source.ts';
import { ffmpegPath, ffprobePath, makeClip, makeFolder, until } from './transcoding.ts';

const { S3_ENDPOINT = '', S3_BUCKET = '' } = process.env;
const never = new AbortController().signal;
const ffmpeg = openFfmpeg(ffmpegPath, 30_000);
let folder: string;
let clip: string;
let probe: Probe;
let proxy: FaultyProxy;
let blobs: Blobs;

beforeAll(async () => {
  folder = await makeFolder();
  const large = ['-f', 'lavfi', '-i', 'testsrc2=s=640x360:r=25:d=20', '-c:v', 'libx264', '-preset', 'ultrafast', '-qp', '5', '-g', '25'];
  clip = await makeClip(folder, 'clip.mp4', [...large, '-pix_fmt', 'yuv420p', '-movflags', '+faststart']);
  probe = await openFfprobe(ffprobePath, 30_000)(clip, never);
  proxy = await openFaultyProxy(new URL(S3_ENDPOINT).host);
  blobs = openBlobs(`s3://${S3_BUCKET}/source-${randomUUID()}?endpoint=http://${proxy.host}`);
  await blobs.put('uploads/a', createReadStream(clip));
});
afterAll(async () => {
  for await (const { key } of blobs.list('')) await blobs.delete(key);
  await blobs.close();
  await proxy.close();
  await rm(folder, { recursive: true, force: true });
});

/** The source's video, repackaged by ffmpeg; `onBytes` sees how far it has come. */
const remux = (
  location: string,
  signal: AbortSignal,
  onBytes: (bytes: number) => Promise<void> | void = () => undefined,
): Promise<Buffer> =>
  ffmpeg(remuxArguments(location, probe), { pipes: 1, signal, niceness: 0 }, async ([pipe]) => {
    const parts: Buffer[] = [];
    let bytes = 0;
    for await (const part of pipe ?? []) {
      parts.push(part as Buffer);
      await onBytes((bytes += (part as Buffer).length));
    }
    if (signal.aborted) throw signal.reason;
    return Buffer.concat(parts);
  });

/** Keeps the second half of the source behind the proxy until the connection is cut: sockets hold all of it where ffmpeg is slow. */
const holdBack = (): void => proxy.arm({ direction: 'down', afterBytes: 4_000_000, kind: 'silence' });

describe('a source in an object store', () => {
  it('gives ffmpeg the same bytes as a file, though its connection breaks again and again', async () => {
    expect((await readFile(clip)).length).toBeGreaterThan(8_000_000);
    proxy.arm({ direction: 'down', afterBytes: 1_000_000, kind: 'cut', times: 3 });
    const made = await withSource(blobs, 'uploads/a', never, ({ location, signal }) => {
      expect(location).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[0-9a-f-]{36}$/);
      return remux(location, signal);
    });
    expect(proxy.isArmed).toBe(false);
    expect(made.equals(await remux(clip, never))).toBe(true);
  });

  it('ends the work with the reason, and before ffmpeg takes the break for the end, when the store is out of reach', async () => {
    const whole = (await remux(clip, never)).length;
    let isEnded = false;
    holdBack();
    const work = withSource(blobs, 'uploads/a', never, async ({ location, signal }) => {
      await remux(location, signal, async (bytes) => {
        expect(bytes).toBeLessThan(whole);
        if (bytes < 1_000_000 || proxy.state === 'down') return;
        await until('the rest is held back', () => !proxy.isArmed);
        proxy.state = 'down';
      });
      isEnded = true;
    });
    await expect(work).rejects.toThrow(BlobStoreError);
    expect(isEnded).toBe(false);
    proxy.state = 'up';
  });

  it('ends the work when it is deleted meanwhile', async () => {
    await blobs.put('uploads/b', createReadStream(clip));
    let isDeleted = false;
    holdBack();
    const work = withSource(blobs, 'uploads/b', never, ({ location, signal }) =>
      remux(location, signal, async () => {
        if (isDeleted) return;
        isDeleted = true;
        await blobs.delete('uploads/b');
        await until('the rest is held back', () => !proxy.isArmed);
        proxy.state = 'down';
        proxy.state = 'up';
      }),
    );
    await expect(work).rejects.toThrow(BlobChangedError);
    await expect(withSource(blobs, 'uploads/b', never, () => Promise.resolve())).rejects.toThrow(BlobNotFoundError);
  });

  it('is probed with the same result as a file', async () => {
    const found = await withSource(blobs, 'uploads/a', never, ({ location, signal }) => openFfprobe(ffprobePath, 30_000)(location, signal));
    expect(found).toEqual(probe);
  });

  it('is read by nobody who does not know its address, nor after the work', async () => {
    const address = await withSource(blobs, 'uploads/a', never, async ({ location }) => {
      expect((await fetch(location, { headers: { range: 'bytes=0-3' } })).status).toBe(206);
      expect((await fetch(location, { headers: { range: 'bytes=999999999-' } })).status).toBe(416);
      expect((await fetch(new URL('/', location))).status).toBe(404);
      return location;
    });
    await expect(fetch(address)).rejects.toThrow();
  });
});
