/** Playlists as they lie in the store: whoever watches while they grow may never see one shrink or open again. */
import { assetPrefix } from '@kinora/contracts';
import { Finding, pause } from './attempt.ts';
import { isKept, type Pledge } from './pledge.ts';
import type { World } from './world.ts';

const everyMs = 100;

/** Id of the asset that an upload becomes. */
export const assetIdOf = ({ uploadUrl }: Pledge): string | undefined => uploadUrl?.split('/').at(-1);

/** Undefined when it is gone or the store is out of reach. */
const readPlaylist = ({ blobs }: World, key: string): Promise<string | undefined> =>
  blobs.read(key).then(
    (bytes) => bytes.toString(),
    () => undefined,
  );

async function checkPlaylist(world: World, pledge: Pledge, key: string): Promise<void> {
  const text = await readPlaylist(world, key);
  if (text === undefined) return;
  const now = { segments: text.match(/^\S+\.m4s$/gm)?.length ?? 0, isEnded: text.includes('#EXT-X-ENDLIST') };
  const before = world.playlists.get(key) ?? { segments: 0, isEnded: false };
  world.playlists.set(key, now);
  if (isKept(pledge) && (now.segments < before.segments || (before.isEnded && !now.isEnded)))
    throw new Finding(`${key} had ${JSON.stringify(before)}, and has ${JSON.stringify(now)} now`);
}

/** Reads the media playlists of videos on their way again and again. */
export async function watchPlaylists(world: World, isOver: () => boolean): Promise<void> {
  for (; !isOver(); await pause(everyMs)) {
    for (const pledge of world.pledges.filter((candidate) => isKept(candidate) && candidate.isComplete && !candidate.isPlayed)) {
      const assetId = assetIdOf(pledge);
      if (assetId === undefined) continue;
      const keys: string[] = [];
      try {
        for await (const { key } of world.blobs.list(assetPrefix(assetId)))
          if (/[^/]+\/[^/]+\/[^/]+\/main\.m3u8$/.test(key)) keys.push(key);
      } catch {
        continue;
      }
      for (const key of keys) await checkPlaylist(world, pledge, key);
    }
  }
}
