import { on, type Subscribed } from '@kinora/service';
import type { Locks } from './locks.ts';
import type { Store } from './store.ts';

/** Removes the uploads and sources of a removed video; a transfer under way is ended. */
export function subscriptions(store: Store, locks: Locks): readonly Subscribed[] {
  const removeAll = async (videoId: string): Promise<void> => {
    for (const { _id } of await store.ofVideo(videoId)) {
      const done = await locks.whileHeld(_id, true, async () => {
        await store.remove(_id);
        return true;
      });
      if (!done) throw new Error(`upload ${_id} stays in use`);
    }
  };
  return [on('video.removed', ({ envelope }) => removeAll(envelope.data.videoId))];
}
