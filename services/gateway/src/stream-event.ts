import type { EventData, EventType, StreamEvent, StreamEventName } from '@kinora/contracts';
import type { Envelope } from '@kinora/messaging';

/** The facts that are shown live. */
export const shownEvents = [
  'asset.watchable',
  'asset.progressed',
  'asset.ready',
  'asset.failed',
  'video.published',
  'video.changed',
  'video.removed',
] as const satisfies readonly EventType[];

type Shown = { [N in StreamEventName]: { readonly name: N; readonly data: StreamEvent<N> } }[StreamEventName];

/** One line of the live page: to the account `only`, to everybody but the account `except`, or to everybody. */
export type Audience = { readonly only: string } | { readonly except: string } | 'everybody';
export type Line = Shown & { readonly to: Audience };

const dataOf = <T extends EventType>({ data }: Envelope, _type: T): EventData<T> => data as EventData<T>;

/** What people are shown of an event. A video that is no longer public goes from the pages of all but its owner. */
export function linesOf(envelope: Envelope): readonly Line[] {
  if (envelope.type === 'video.removed') {
    const { videoId } = dataOf(envelope, 'video.removed');
    return [{ name: 'removed', data: { videoId }, to: 'everybody' }];
  }
  if (envelope.type.startsWith('video.')) {
    const { video } = dataOf(envelope, 'video.changed');
    const { videoId, ownerId, visibility, publishedAt } = video;
    if (visibility === 'public' && publishedAt !== undefined) return [{ name: 'video', data: { video }, to: 'everybody' }];
    const own: Line = { name: 'video', data: { video }, to: { only: ownerId } };
    return publishedAt === undefined ? [own] : [own, { name: 'removed', data: { videoId }, to: { except: ownerId } }];
  }
  const { videoId, ownerId, revision, asset } = dataOf(envelope, 'asset.progressed');
  return [{ name: 'asset', data: { videoId, revision, asset }, to: { only: ownerId } }];
}

/** A line in the text/event-stream format. */
export const formatLine = ({ name, data }: Line): string => `event: ${name}\ndata: ${JSON.stringify(data)}\n\n`;
