/** Runs an endless ffmpeg and prints its process id, so that a test can kill this process and see what becomes of it. */
import { execFileSync } from 'node:child_process';
import { openFfmpeg } from '../src/ffmpeg.ts';

const [command = 'ffmpeg'] = process.argv.slice(2);
const args = ['-v', 'error', '-nostdin', '-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25', '-f', 'rawvideo', 'pipe:3'];
await openFfmpeg(command, 60_000)(args, { pipes: 1, signal: new AbortController().signal, niceness: 10 }, async ([pipe]) => {
  let isTold = false;
  for await (const _ of pipe ?? []) {
    if (!isTold)
      process.stdout.write(
        `${
          execFileSync('ps', ['-o', 'pid=', '--ppid', String(process.pid), '-C', 'ffmpeg'])
            .toString()
            .trim()
            .split(/\s+/)[0] ?? ''
        }\n`,
      );
    isTold = true;
  }
});
