/** What an installation does for people, from the first upload to the next start. Runs in either shape unchanged. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { Client } from './client.ts';
import { admin, eventually, Installation, type Shape } from './installation.ts';
import { makeClip, playAll } from './player.ts';

/** The acceptance suite, against an installation of `shape`. */
export function systemSuite(shape: Shape): void {
  let kinora: Installation;
  let client: Client;
  let clip: Buffer;
  const seconds = 6;
  const rate = 30;

  beforeAll(async () => {
    kinora = await Installation.create({}, { shape });
    const file = path.join(kinora.dataDir, 'clip.mp4');
    await makeClip(file, { seconds, rate, size: '640x360' });
    clip = await readFile(file);
    await kinora.start();
    client = await Client.signIn(kinora.url, admin);
  });
  afterAll(() => kinora.remove());

  it('takes a video, tells its progress, and every rendition holds each frame of it once', async () => {
    const leave = new AbortController();
    const seen: string[] = [];
    const following = (async () => {
      for await (const { event, data } of client.events(leave.signal)) if (event === 'asset') seen.push(data.asset?.state ?? '');
    })();
    const { videoId } = await client.createVideo('A system test');
    expect((await client.fetch(`/api/videos/${videoId}/playback`)).status).toBe(409);
    const { upload, done } = client.upload(videoId, clip, { chunkSize: 200_000 });
    upload.start();
    await done;
    await eventually('the video to be watchable', 60_000, async () =>
      (await client.fetch(`/api/videos/${videoId}/playback`)).ok ? true : undefined,
    );
    const video = await eventually('the video to be ready', 60_000, async () => {
      const found = await client.video(videoId);
      return found.asset?.state === 'ready' ? found : undefined;
    });
    await eventually('the stream to tell it', 60_000, () => Promise.resolve(seen.includes('ready') || undefined));
    leave.abort();
    await expect(following).rejects.toThrow('abort');
    expect(video.asset).toMatchObject({ progress: 1, hasPoster: true, hasStoryboard: true, widthPx: 640, heightPx: 360 });

    const { manifestUrl, posterUrl, storyboardUrl } = await client.playback(videoId);
    const renditions = await playAll(new URL(manifestUrl, kinora.url).href);
    expect(renditions.filter(({ isAudio }) => isAudio)).toHaveLength(1);
    for (const rendition of renditions) {
      expect(rendition.isEnded).toBe(true);
      expect(Math.abs(rendition.durationSeconds - seconds)).toBeLessThan(0.1);
      if (!rendition.isAudio) expect(rendition.frames).toBe(seconds * rate);
    }
    expect(renditions.some(({ heightPx }) => heightPx === 360)).toBe(true);
    expect((await fetch(new URL(posterUrl ?? '', kinora.url))).headers.get('content-type')).toBe('image/jpeg');
    expect(await (await fetch(new URL(storyboardUrl ?? '', kinora.url))).text()).toMatch(/^WEBVTT/);
    const listed = await client.json<{ items: { videoId: string }[] }>('/api/videos');
    expect(listed.items.map((item) => item.videoId)).toContain(videoId);
  });

  it('ends with a clean status on SIGTERM, and has everything after the next start', async () => {
    const before = await client.json('/api/videos');
    await kinora.end('SIGTERM');
    await kinora.start({ direct: true });
    // Not the first time: npm itself dies of the signal that it passes on.
    expect(await kinora.end('SIGTERM')).toBe(0);
    await kinora.start({ direct: true });
    client = await Client.signIn(kinora.url, admin);
    expect(await client.json('/api/videos')).toEqual(before);
  });

  it.each([
    ['text under the name of a video', Buffer.from('This is not a video.\n'.repeat(100)), 'talk.mp4'],
    ['an empty file', Buffer.alloc(0), 'empty.mp4'],
    [
      'a playlist under the name of a video',
      Buffer.from('#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n/etc/passwd\n#EXT-X-ENDLIST\n'),
      'list.mp4',
    ],
    ['a concat script under the name of a video', Buffer.from("ffconcat version 1.0\nfile '/etc/passwd'\n"), 'script.mp4'],
  ])('says plainly that nothing can be played when it is given %s', async (_what, source, filename) => {
    const { videoId } = await client.createVideo('Broken');
    const { upload, done } = client.upload(videoId, source, { filename });
    upload.start();
    await done;
    const asset = await eventually('the failure to be told', 60_000, async () => {
      const { asset: found } = await client.video(videoId);
      return found?.state === 'failed' ? found : undefined;
    });
    expect(asset.failure?.reason).toMatch(/^(not-a-video|unreadable|unsupported)$/);
  });
}
