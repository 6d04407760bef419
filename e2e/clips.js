// The videos that the journeys upload, made by ffmpeg.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { say } from '../tools/setup.js';
import { folder } from './folder.js';

const clips = folder('.cache', 'clips');

const picture = (seconds, size, rate) => ['-f', 'lavfi', '-i', `testsrc2=duration=${seconds}:size=${size}:rate=${rate}`];
const sound = (seconds) => ['-f', 'lavfi', '-i', `sine=frequency=440:duration=${seconds}`, '-ac', '2'];

/** File name → arguments of ffmpeg. */
const recipes = {
  // As phones make them: players take it as it is.
  'harbour.mp4': [
    ...[...picture(12, '640x360', 25), ...sound(12)],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p', '-g', '50', '-c:a', 'aac', '-movflags', '+faststart'],
  ],
  // No player takes it as it is, so that all of it has to be encoded.
  'mountain.mkv': [...picture(120, '1280x720', 25), ...sound(120), '-c:v', 'mpeg4', '-q:v', '20', '-c:a', 'libmp3lame'],
};

/** Makes the clips in `.cache/clips` unless they are there; ends this process when ffmpeg cannot. */
export function makeClips(ffmpeg) {
  const mark = folder('.cache', 'clips', 'recipes.json');
  const value = JSON.stringify(recipes);
  if (existsSync(mark) && readFileSync(mark, 'utf8') === value) return;
  say('Making the clips …');
  mkdirSync(clips, { recursive: true });
  for (const [name, recipe] of Object.entries(recipes)) {
    const { status, stderr } = spawnSync(ffmpeg, ['-v', 'error', '-y', ...recipe, folder('.cache', 'clips', name)], { encoding: 'utf8' });
    if (status === 0) continue;
    say(stderr);
    process.exit(1);
  }
  writeFileSync(folder('.cache', 'clips', 'notes.txt'), 'Buy bread, milk and film.\n'.repeat(200));
  writeFileSync(mark, value);
}
