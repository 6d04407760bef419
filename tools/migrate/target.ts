/** Whether a target may be written to: it is empty, or holds the unfinished copy of the same installation. */
import { portNames, type Place, type PortName } from './place.ts';
import type { Ports } from './ports.ts';
import { findRecord, type Recorded } from './state.ts';

export interface TargetView extends Recorded {
  /** What lies there, a phrase for each port; empty when nothing does. */
  readonly contents: readonly string[];
}

async function documentsIn(ports: Ports): Promise<string | undefined> {
  for (const database of ports.exists('documents') ? ports.databases() : [])
    for (const name of await ports.collections(database)) {
      const count = await ports.collection(database, name).countDocuments({});
      if (count > 0) return `documents (${database}.${name} has ${count})`;
    }
  return undefined;
}

async function blobsIn(ports: Ports): Promise<string | undefined> {
  if (!ports.exists('blobs')) return undefined;
  for await (const { key } of ports.blobs().list('')) return `blobs (${key}, …)`;
  return undefined;
}

async function messagesIn(ports: Ports): Promise<string | undefined> {
  if (!ports.exists('bus')) return undefined;
  const depths = await ports.bus().depths();
  const full = depths.find(({ waiting, underWay, dead }) => waiting + underWay + dead > 0);
  return full && `messages (${full.queue} has ${full.waiting + full.underWay + full.dead})`;
}

/** Looks at the ports of the target that something is moved to; makes nothing. */
export async function lookAtTarget(ports: Ports, to: Place, moved: readonly PortName[]): Promise<TargetView> {
  const look = { documents: documentsIn, bus: messagesIn, blobs: blobsIn } as const satisfies Record<PortName, unknown>;
  const contents: string[] = [];
  for (const port of portNames) {
    const found = moved.includes(port) ? await look[port](ports) : undefined;
    if (found !== undefined) contents.push(found);
  }
  return { ...(await findRecord(ports, to)), contents };
}

/** Why nothing may be written to a target; undefined when it may. */
export function refusal({ move, contents }: TargetView, installationId: string, to: Place): string | undefined {
  if (move === undefined)
    return contents.length === 0
      ? undefined
      : `${to.name} is not empty: it has ${contents.join(', ')}. Nothing there is overwritten; name an empty target, or empty this one yourself.`;
  if (move.installationId !== installationId)
    return `${to.name} holds the unfinished move of another installation (from ${move.from}, begun ${move.startedAt}). Name another target, or empty this one yourself.`;
  if (move.phase === 'done')
    return `The move to ${to.name} ended at ${move.doneAt ?? 'an unknown time'}: it is an installation of its own since then, and copying again would undo what people have done there. Start it, and leave the old one stopped.`;
  return undefined;
}
