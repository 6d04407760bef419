import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Readable } from 'node:stream';
import { describe, expect, it } from '@jest/globals';
import { FfmpegError, openFfmpeg } from '../src/ffmpeg.ts';
import { packageStream } from '../src/packager.ts';
import { ffmpegPath, until } from './transcoding.ts';

const endless = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=25', '-f', 'rawvideo', 'pipe:3'];
const drain = async (pipes: readonly AsyncIterable<unknown>[]): Promise<void> => {
  for await (const _ of pipes[0] ?? []) void _;
};

describe('ffmpeg', () => {
  it('ends when its signal aborts', async () => {
    const controller = new AbortController();
    const running = openFfmpeg(ffmpegPath, 60_000)(endless, { pipes: 1, signal: controller.signal, niceness: 10 }, drain);
    setImmediate(() => controller.abort());
    await expect(running).rejects.toThrow(FfmpegError);
  });
  it('is stopped when it writes nothing for too long', async () => {
    const silent = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'anullsrc', '-f', 'null', '-'];
    const running = openFfmpeg(ffmpegPath, 500)(silent, { pipes: 1, signal: new AbortController().signal, niceness: 0 }, drain);
    await expect(running).rejects.toThrow('wrote nothing for 500 ms');
  });
  it('says what it wrote when it fails', async () => {
    const running = openFfmpeg(ffmpegPath, 60_000)(
      ['-v', 'error', '-i', '/nowhere'],
      { pipes: 1, signal: new AbortController().signal, niceness: 0 },
      drain,
    );
    await expect(running).rejects.toThrow('No such file');
  });
  it('fails in words when there is no such program', async () => {
    const running = openFfmpeg('/no/ffmpeg', 60_000)([], { pipes: 1, signal: new AbortController().signal, niceness: 0 }, drain);
    await expect(running).rejects.toThrow('ENOENT');
  });
  it('leaves no segment that is too short when it is stopped in the middle of one', async () => {
    const controller = new AbortController();
    const encoder = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '5', '-pix_fmt', 'yuv420p'];
    const fragments = ['-f', 'mp4', '-movflags', '+frag_keyframe+empty_moov+default_base_moof', 'pipe:3'];
    const args = ['-v', 'error', '-nostdin', '-re', '-f', 'lavfi', '-i', 'testsrc2=s=64x64:r=25', ...encoder, ...fragments];
    const stored: number[] = [];
    const running = openFfmpeg(ffmpegPath, 60_000)(args, { pipes: 1, signal: controller.signal, niceness: 0 }, ([pipe], ended) =>
      packageStream(pipe ?? Readable.from([]), {
        startTicks() {
          // The first of the twenty fragments of a segment has come.
          setImmediate(() => controller.abort());
          return 0;
        },
        firstSegment: 0,
        isCut: false,
        ended,
        putInit: () => Promise.resolve(),
        putSegment: async (segment) => void stored.push(segment),
        onSegment: () => undefined,
      }),
    );
    await expect(running).rejects.toThrow(FfmpegError);
    expect(stored).toEqual([]);
  });
  const isLinux = existsSync('/proc/self/stat');
  (isLinux ? it : it.skip)('ends by itself when the process that started it is killed (needs /proc)', async () => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'ffmpeg-child.ts'), ffmpegPath], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const pid = await new Promise<string>((resolve) => child.stdout.once('data', (text: Buffer) => resolve(text.toString().trim())));
    expect(readFileSync(`/proc/${pid}/comm`, 'utf8')).toContain('ffmpeg');
    child.kill('SIGKILL');
    await until('ffmpeg has ended', () => !existsSync(`/proc/${pid}`) || readFileSync(`/proc/${pid}/stat`, 'utf8').includes(') Z '));
  });
});
