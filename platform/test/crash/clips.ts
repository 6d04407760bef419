/** What is uploaded in crash tests: small enough to be encoded in a moment, different enough to take each way through transcoding. */
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { makeClip } from '../player.ts';

export interface Clip {
  readonly name: string;
  readonly bytes: Buffer;
  readonly frames: number;
}

const rate = 15;
const webm = ['-c:v', 'libvpx', '-deadline', 'realtime', '-cpu-used', '8', '-b:v', '300k', '-an', '-f', 'webm'];
const silent = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '30', '-pix_fmt', 'yuv420p', '-an'];
const recipes = [
  { name: 'remuxed.mp4', seconds: 4 },
  { name: 'encoded.webm', seconds: 3, codec: webm },
  { name: 'silent.mp4', seconds: 2, codec: silent },
  /** Several chunks, so that a playlist grows. */
  { name: 'long.webm', seconds: 13, codec: webm },
] as const;

/** Clips in `folder`, made with ffmpeg; those of up to `longestSeconds`. */
export async function makeClips(folder: string, longestSeconds: number): Promise<Clip[]> {
  await mkdir(folder, { recursive: true });
  const clips: Clip[] = [];
  for (const { name, ...recipe } of recipes.filter(({ seconds }) => seconds <= longestSeconds)) {
    const file = path.join(folder, name);
    await makeClip(file, { size: '320x180', rate, ...recipe, ...('codec' in recipe ? { codec: [...recipe.codec] } : {}) });
    clips.push({ name, bytes: await readFile(file), frames: recipe.seconds * rate });
  }
  return clips;
}
